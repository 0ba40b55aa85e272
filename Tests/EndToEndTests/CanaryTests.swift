import APIKeys
import Foundation
import Glibc
import HTTP
import JSON
import Platform
import TestSupport
import Testing

/// What people ask, what they are answered and what they show to be let in stands nowhere.
extension EndToEndTests {
    @Suite(.serialized) struct CanaryTests {
        private static let prompt = "canary-prompt-5b1d"
        private static let wrongKey = "canary-wrong-key-77aa"

        /// Requests that succeed and that fail at every stage, each with a canary in it.
        private static let bodies: [(path: String, body: String)] = [
            ("/v1/chat/completions", chat(#""max_tokens": 32, "seed": 7, "ignore_eos": true"#)),
            ("/v1/chat/completions", chat(#""max_tokens": 8, "stream": true"#)),
            ("/v1/chat/completions", chat(#""max_tokens": -1"#)),
            ("/v1/chat/completions", chat(#""stop": ["\#(prompt)"], "max_tokens": 4"#)),
            ("/v1/chat/completions", chat(#""tools": [{"type": "\#(prompt)"}]"#)),
            ("/v1/chat/completions", chat(#""user": 7, "x-\#(prompt)": 1"#)),
            ("/v1/chat/completions", #"{"model": "tiny", "messages": "\#(prompt)"}"#),
            ("/v1/chat/completions", #"{"model": "tiny", "messages": [\#(prompt)"#),
            ("/v1/completions", #"{"model": "tiny", "prompt": "\#(prompt)", "max_tokens": 4}"#),
            ("/v1/completions", #"{"model": "tiny", "prompt": "\#(long)", "max_tokens": 4}"#),
            ("/v1/completions?key=\(prompt)", #"{"model": "tiny", "prompt": 7}"#),
            ("/tokenize", #"{"model": "tiny", "content": "\#(prompt)"}"#),
            ("/apply-template", #"{"model": "tiny", "messages": [{"role": "\#(prompt)"}]}"#),
            ("/v1/nowhere/\(prompt)", "{}"),
            ("/admin/v1/keys", #"{"name": "a", "\#(prompt)": 1}"#),
        ]

        private static let long = String(repeating: prompt + " ", count: 4000)

        private static func chat(_ members: String) -> String {
            #"{"model": "tiny", "messages": [{"role": "user", "content": "\#(prompt)"}], \#(members)}"#
        }

        @Test(arguments: ["info", "debug"])
        func `writes no prompt, no completion and no key anywhere`(_ level: String) throws {
            let folder = try TemporaryDirectory()
            let store = KeyStore(path: folder.path + "/keys.json")
            let secret = try store.add(KeyTerms(name: "tester", scopes: [.admin]), now: 1).secret
            let daemon = try RunningDaemon(
                arguments: ["--key-store", store.path, "--log-level", level],
                environment: ["STATE_DIRECTORY": folder.path]
            )
            let client = HTTPClient(endpoint: daemon.socket, apiKey: secret.text)
            var answers: [String] = []
            for (path, body) in Self.bodies {
                let answer = try client.send(
                    method: .post,
                    path: path,
                    headers: ["Content-Type": "application/json"],
                    body: Array(body.utf8)
                )
                #expect(answer.status != 500, "\(path)")
                let text = try? JSONValue.parse(answer.body)["choices"]?[0]
                answers += [text?["message"]?["content"]?.stringValue, text?["text"]?.stringValue]
                    .compactMap(\.self)
            }
            let stranger = HTTPClient(endpoint: daemon.socket, apiKey: Self.wrongKey)
            #expect(try stranger.send(method: .get, path: "/v1/models").status == 401)
            let metrics = try client.send(method: .get, path: "/metrics")
            daemon.process.child.signal(SIGTERM)
            let (code, output) = daemon.process.wait()
            #expect(code == 0)
            let completions = answers.filter { $0.utf8.count > 8 }
            try #require(!completions.isEmpty, "nothing was generated")

            var places = [
                ("log", output), ("metrics", String(decoding: metrics.body, as: UTF8.self)),
            ]
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                places.append((name, try Files.text(of: folder.path + "/" + name)))
            }
            #expect(places.contains { $0.0 == "usage.json" } && output.contains("request"))
            let words =
                [Self.prompt, Self.wrongKey, String(secret.text.suffix(43))] + completions
            for (place, text) in places {
                for word in words { #expect(!text.contains(word), "\(place) has \(word)") }
            }
        }
    }
}

import APIKeys
import Foundation
import Glibc
import HTTP
import JSON
import Platform
import TestSupport
import Testing

/// Keys from the command line to the daemon, over its admin socket, its file and a restart.
extension EndToEndTests {
    @Suite(.serialized) struct KeyTests {
        private let folder: TemporaryDirectory
        private var store: String { folder.path + "/keys.json" }
        private var adminSocket: String { folder.path + "/admin.sock" }

        init() throws {
            folder = try TemporaryDirectory()
        }

        private func daemon() throws -> RunningDaemon {
            try RunningDaemon(
                arguments: ["--key-store", store, "--admin-socket", adminSocket],
                environment: ["STATE_DIRECTORY": folder.path]
            )
        }

        private func keys(_ words: String..., host: String? = nil) throws -> String {
            let (code, output) = try ToriiProcess.run(
                ["keys"] + words,
                environment: ["TORII_HOST": host ?? "unix:" + adminSocket]
            )
            #expect(code == 0, "\(output)")
            return output
        }

        private func status(_ daemon: RunningDaemon, _ key: String?) throws -> Int {
            let client = HTTPClient(endpoint: daemon.socket, apiKey: key)
            return try client.send(method: .get, path: "/v1/models").status
        }

        @Test func `makes keys over the admin socket, keeps them and their usage, and ends them`()
            throws
        {
            var daemon = try daemon()
            #expect(try status(daemon, nil) == 200)
            let output = try keys("add", "alice")
            let secret = String(output.prefix { $0 != "\n" })
            #expect(KeySecret(secret) != nil)
            #expect(try status(daemon, nil) == 401 && status(daemon, secret) == 200)
            #expect(!daemon.process.output.contains(secret.suffix(43)))
            let client = HTTPClient(endpoint: daemon.socket, apiKey: secret)
            let answer = try client.send(
                method: .post,
                path: "/v1/chat/completions",
                headers: ["Content-Type": "application/json"],
                body: JSONValue.object(RunningDaemon.body(["max_tokens": 3])).serializedBytes()
            )
            #expect(answer.status == 200)
            daemon.process.child.signal(SIGTERM)
            #expect(daemon.process.wait().code == 0)

            daemon = try self.daemon()
            #expect(try status(daemon, nil) == 401 && status(daemon, secret) == 200)
            let admin = HTTPClient(endpoint: try ListenAddress(parsing: "unix:" + adminSocket))
            let usage = try admin.send(method: .get, path: "/admin/v1/usage?key=alice")
            #expect(try JSONValue.parse(usage.body)["usage"]?[0]?["output_tokens"] == 3)
            #expect(try keys("list").contains("alice"))
            #expect(try keys("revoke", "alice").contains("revoked"))
            #expect(try status(daemon, secret) == 401)
        }

        @Test func `takes over keys that were added to the file behind its back`() throws {
            let daemon = try daemon()
            #expect(try status(daemon, nil) == 200)
            let (_, output) = try ToriiProcess.run(["keys", "add", "bob", "--file", store])
            let secret = String(output.prefix { $0 != "\n" })
            // Looked at four times a second.
            let end = MonotonicInstant.now().advanced(by: .seconds(30))
            // As long as no key is known, any will do.
            while try status(daemon, nil) != 401, MonotonicInstant.now() < end {}
            #expect(try status(daemon, secret) == 200 && status(daemon, nil) == 401)
        }

        @Test func `refuses to start with keys that it cannot read`() throws {
            try DurableFile.replace(store, with: Array("{".utf8))
            let (code, output) = try ToriiProcess.run([
                "serve", "--models", folder.path, "--listen", "unix:\(folder.path)/api",
                "--key-store", store,
            ])
            #expect(code == 78 && output.contains("not valid JSON"), "\(output)")
        }
    }
}

import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// LoRA adapters with the real executable, from the files to the answers.
@Suite(.serialized, .timeLimit(.minutes(15))) struct AdapterTests {
    private let prompt =
        "Some words to begin with, more than a block of thirty-two tokens long, so that the cache "
        + "of prompts has something to keep for whoever asks next."

    private var model: TinyModel {
        var model = TinyModel()
        model.types = [.f32]
        return model
    }

    /// A daemon with the model, and in its folder adapters `one`, `two` (GGUF) and `three` (a folder).
    private func daemon(
        arguments: [String] = []
    ) throws -> (daemon: RunningDaemon, paths: [String]) {
        let daemon = try RunningDaemon(tiny: model, arguments: arguments)
        return (daemon, try Self.write(for: model, to: daemon.folder.path))
    }

    private static func write(for model: TinyModel, to folder: String) throws -> [String] {
        let paths = ["one.gguf", "two.gguf", "three"].map { "\(folder)/\($0)" }
        try TinyAdapter(for: model, seed: 1).writer().write(to: paths[0])
        try TinyAdapter(for: model, seed: 2).writer().write(to: paths[1])
        try FileManager.default.createDirectory(
            atPath: paths[2],
            withIntermediateDirectories: true
        )
        try TinyAdapter(for: model, seed: 3).writeFolder(to: paths[2])
        return paths
    }

    private func members(_ name: String, maximumTokens: Int = 12) -> JSONObject {
        [
            "model": .string(name), "temperature": 0, "max_tokens": .integer(maximumTokens),
            "messages": [["role": "user", "content": .string(prompt)]], "ignore_eos": true,
        ]
    }

    private func answer(
        of name: String,
        _ daemon: RunningDaemon
    ) throws -> (content: String, cached: Int) {
        let (status, answer) = try daemon.chat(members(name))
        try #require(status == 200, "\(answer)")
        #expect(answer["model"]?.stringValue == name)
        let usage = answer["usage"]?["prompt_tokens_details"]
        return (
            try #require(answer["choices"]?[0]?["message"]?["content"]?.stringValue),
            usage?["cached_tokens"]?.intValue ?? 0
        )
    }

    private func add(_ path: String, _ daemon: RunningDaemon) throws -> (Int, JSONValue) {
        try daemon.post("/admin/v1/models/tiny/adapters", ["path": .string(path)])
    }

    private func delete(_ path: String, _ daemon: RunningDaemon) throws -> (Int, JSONValue) {
        let response = try daemon.client.send(method: .delete, path: path)
        return (response.status, try JSONValue.parse(response.body))
    }

    private func get(_ path: String, _ daemon: RunningDaemon) throws -> JSONValue {
        try JSONValue.parse(daemon.client.send(method: .get, path: path).body)
    }

    @Test func `an adapter answers like the model with merged weights, and is listed`() throws {
        let (daemon, paths) = try daemon()
        var merged = model.writer()
        TinyAdapter(for: model, seed: 1).merge(into: &merged.tensors)
        try merged.write(to: daemon.folder.path + "/models/merged.gguf")
        let plain = try answer(of: "tiny", daemon).content
        let (status, added) = try add(paths[0], daemon)
        #expect(status == 200 && added["adapter"]?["state"] == "resident", "\(added)")
        #expect(added["adapter"]?["rank"] == 5)
        let adapted = try answer(of: "tiny:one", daemon).content
        let expected = try answer(of: "merged", daemon).content
        #expect(adapted == expected && adapted != plain)

        let listed = try get("/v1/models", daemon)["data"]?.arrayValue ?? []
        let entry = try #require(listed.first { $0["id"] == "tiny:one" })
        #expect(entry["parent"] == "tiny" && entry["root"] == "one.gguf")
        #expect(entry["status"]?["value"] == "loaded")
        #expect(try get("/admin/v1/models/tiny", daemon)["adapters"] == ["tiny:one"])
    }

    @Test func `adapters share no computed prompts with the model or each other`() throws {
        let (daemon, paths) = try daemon()
        for path in paths { #expect(try add(path, daemon).0 == 200) }
        var contents: [String: String] = [:]
        for name in ["tiny", "tiny:one", "tiny:two", "tiny:three"] {
            let first = try answer(of: name, daemon)
            #expect(first.cached == 0, "\(name)")
            contents[name] = first.content
        }
        for (name, content) in contents {
            let again = try answer(of: name, daemon)
            #expect(again.cached > 0 && again.content == content, "\(name)")
        }
        #expect(Set(contents.values).count == 4)
        // Another adapter under a name that was used before begins anew.
        #expect(try delete("/admin/v1/models/tiny/adapters/one", daemon).0 == 200)
        let (status, _) = try daemon.post(
            "/admin/v1/models/tiny/adapters",
            ["path": .string(paths[1]), "name": "one"]
        )
        #expect(status == 200)
        let replaced = try answer(of: "tiny:one", daemon)
        #expect(replaced.cached == 0 && replaced.content == contents["tiny:two"])
    }

    @Test func `requests of many adapters at once get what each gets alone`() async throws {
        let (daemon, paths) = try daemon()
        for path in paths { #expect(try add(path, daemon).0 == 200) }
        let names = ["tiny", "tiny:one", "tiny:two", "tiny:three"]
        var alone: [String: String] = [:]
        for name in names { alone[name] = try answer(of: name, daemon).content }
        let together = try await withThrowingTaskGroup(of: (String, String).self) { group in
            for index in 0..<24 {
                let name = names[index % names.count]
                group.addTask { (name, try self.answer(of: name, daemon).content) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for (name, content) in together { #expect(content == alone[name], "\(name)") }
    }

    @Test func `an unknown adapter is 404 and names those that exist`() throws {
        let (daemon, paths) = try daemon()
        #expect(try add(paths[0], daemon).0 == 200)
        let (status, answer) = try daemon.chat(["model": "tiny:none"])
        let message = answer["error"]?["message"]?.stringValue ?? ""
        #expect(status == 404 && answer["error"]?["code"] == "model_not_found")
        #expect(message.contains("tiny:one"), "\(message)")
        let (missing, _) = try delete("/admin/v1/models/tiny/adapters/none", daemon)
        #expect(missing == 404)
        let (again, refused) = try add(paths[0], daemon)
        #expect(again == 409 && refused["error"]?["code"] == "adapter_exists")
    }

    @Test(arguments: [true, false])
    func `a bad adapter is refused by its tensor, and the model goes on`(isLoaded: Bool) throws {
        let (daemon, paths) = try daemon()
        var wide = model
        wide.embeddingLength = 384
        let path = daemon.folder.path + "/wide.gguf"
        try TinyAdapter(for: wide).writer().write(to: path)
        if isLoaded { #expect(try daemon.chat(["max_tokens": 1]).0 == 200) }
        let (status, answer) = try add(path, daemon)
        if isLoaded {
            let message = answer["error"]?["message"]?.stringValue ?? ""
            #expect(status == 400 && answer["error"]?["code"] == "invalid_adapter")
            #expect(message.contains("blk.0.attn_q.weight.lora_a") && message.contains(path))
        } else {
            // It is found out when the model is loaded.
            #expect(status == 200 && answer["adapter"]?["state"] == "unloaded")
            let (refused, told) = try daemon.chat(["model": "tiny:wide", "max_tokens": 1])
            let message = told["error"]?["message"]?.stringValue ?? ""
            #expect(refused == 400 && message.contains("blk.0.attn_q.weight.lora_a"), "\(told)")
        }
        let (missing, told) = try add(daemon.folder.path + "/nothing", daemon)
        #expect(missing == 400 && told["error"]?["code"] == "invalid_adapter")
        #expect(try daemon.chat(["max_tokens": 3]).0 == 200)
        #expect(try add(paths[0], daemon).0 == 200)
        #expect(try daemon.chat(["model": "tiny:one", "max_tokens": 3]).0 == 200)
    }

    @Test func `what is removed while requests use it stays until they end`() throws {
        let (daemon, paths) = try daemon()
        #expect(try daemon.chat(["max_tokens": 1]).0 == 200)
        func held() throws -> Int {
            let memory = try get("/admin/v1/models/tiny", daemon)["memory"]
            return memory?["held_byte_count"]?.intValue ?? -1
        }
        let before = try held()
        #expect(try add(paths[0], daemon).0 == 200)
        let added = try held()
        let takes = try get("/admin/v1/models/tiny/adapters", daemon)["adapters"]?[0]?[
            "memory_byte_count"
        ]?.intValue
        #expect(added - before >= takes ?? .max)
        var events = 0
        try daemon.streamChat(members("tiny:one", maximumTokens: 200)) { _ throws -> Bool in
            events += 1
            if events == 5 {
                #expect(try delete("/admin/v1/models/tiny/adapters/one", daemon).0 == 200)
                #expect(try daemon.chat(["model": "tiny:one"]).0 == 404)
                // The stream may have got memory for keys and values besides.
                #expect(try held() >= added)
            }
            return true
        }
        #expect(events > 100, "the stream went on to its end")
        // The last request's end and the message about it are not the same moment; no other request
        // is needed for it.
        var now = try held()
        for _ in 0..<20_000 where now > added - (takes ?? 0) { now = try held() }
        #expect(now == added - (takes ?? 0))
    }

    @Test func `adapters come and go while the model answers`() async throws {
        let (daemon, paths) = try daemon()
        let plain = try answer(of: "tiny", daemon).content
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<8 {
                        let content = try self.answer(of: "tiny", daemon).content
                        #expect(content == plain)
                    }
                }
            }
            group.addTask {
                for _ in 0..<8 {
                    #expect(try self.add(paths[0], daemon).0 == 200)
                    let (status, answer) = try daemon.chat(self.members("tiny:one"))
                    #expect(status == 200, "\(answer)")
                    let path = "/admin/v1/models/tiny/adapters/one"
                    #expect(try self.delete(path, daemon).0 == 200)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `configured adapters are in the plan, and load with the model`() throws {
        let folder = try TemporaryDirectory()
        let paths = try Self.write(for: model, to: folder.path)
        let configuration = folder.file("torii.json")
        try Data(
            """
            { "models": { "entries": { "tiny": { "aliases": ["small"], "adapters": {
                "one": "\(paths[0])",
                "half": { "path": "\(paths[1])", "scale": 0.5 },
                "gone": "\(folder.path)/gone.gguf",
            } } } } }
            """.utf8
        ).write(to: URL(fileURLWithPath: configuration))
        let daemon = try RunningDaemon(tiny: model, arguments: ["--config", configuration])
        let (status, plan) = try daemon.post("/admin/v1/plan", ["model": "tiny"])
        #expect(status == 200 && (plan["adapter_bytes"]?.intValue ?? 0) > 0, "\(plan)")
        let first = try answer(of: "tiny:one", daemon).content
        let (aliased, told) = try daemon.chat(members("small:one"))
        #expect(aliased == 200)
        #expect(told["choices"]?[0]?["message"]?["content"]?.stringValue == first)
        let half = try answer(of: "tiny:half", daemon).content
        #expect(half != first)
        let memory = try get("/admin/v1/models/tiny", daemon)["memory"]
        #expect(memory?["adapter_byte_count"] == plan["adapter_bytes"])
        let (kept, refused) = try delete("/admin/v1/models/tiny/adapters/one", daemon)
        #expect(kept == 409 && refused["error"]?["code"] == "adapter_is_configured")
        #expect(try daemon.chat(["model": "tiny:gone"]).0 == 404)
    }

    @Test func `a reload changes the adapters of a model that goes on`() throws {
        let folder = try TemporaryDirectory()
        let paths = try Self.write(for: model, to: folder.path)
        let configuration = folder.file("torii.json")
        func write(_ adapters: String) throws {
            try Data("{ models: { entries: { tiny: { adapters: { \(adapters) } } } } }".utf8)
                .write(to: URL(fileURLWithPath: configuration), options: .atomic)
        }
        try write("a: '\(paths[0])', b: '\(paths[1])'")
        let daemon = try RunningDaemon(tiny: model, arguments: ["--config", configuration])
        let first = try answer(of: "tiny:a", daemon).content
        let second = try answer(of: "tiny:b", daemon).content
        let worker = try daemon.workerPID()
        try write("a: '\(paths[1])', c: '\(paths[0])'")
        #expect(try daemon.post("/admin/v1/reload", [:]).0 == 200)
        #expect(try answer(of: "tiny:a", daemon).content == second)
        #expect(try answer(of: "tiny:c", daemon).content == first)
        #expect(try daemon.chat(["model": "tiny:b"]).0 == 404)
        #expect(try daemon.workerPID() == worker)
    }

    @Test func `an encoder's vectors are those of merged weights`() throws {
        let encoder = TinyEncoder()
        let daemon = try RunningDaemon(encoders: ["encoder": encoder])
        let adapter = TinyAdapter(for: encoder)
        var merged = encoder.writer()
        adapter.merge(into: &merged.tensors)
        try merged.write(to: daemon.folder.path + "/models/merged.gguf")
        let path = daemon.folder.path + "/words.gguf"
        try adapter.writer().write(to: path)
        let (status, added) = try daemon.post(
            "/admin/v1/models/encoder/adapters",
            ["path": .string(path)]
        )
        #expect(status == 200, "\(added)")
        func vectors(_ model: String) throws -> [[Double]] {
            let (status, answer) = try daemon.post(
                "/v1/embeddings",
                ["model": .string(model), "input": ["a", "a longer text", "another one"]]
            )
            try #require(status == 200, "\(answer)")
            return (answer["data"]?.arrayValue ?? []).map { element in
                (element["embedding"]?.arrayValue ?? []).compactMap(\.doubleValue)
            }
        }
        func cosine(_ first: [Double], _ second: [Double]) -> Double {
            zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let plain = try vectors("encoder")
        let adapted = try vectors("encoder:words")
        let expected = try vectors("merged")
        for (index, vector) in adapted.enumerated() {
            #expect(cosine(vector, expected[index]) > 0.99999)
            #expect(cosine(vector, plain[index]) < 0.999)
        }
    }

    @Test func `the command line adds, lists and removes`() throws {
        let (daemon, paths) = try daemon()
        #expect(try daemon.chat(["max_tokens": 1]).0 == 200)
        func torii(_ arguments: [String]) throws -> String {
            let outcome = try ToriiProcess.run(
                arguments,
                environment: ["TORII_HOST": daemon.socket.description]
            )
            #expect(outcome.code == 0, "\(outcome.output)")
            return outcome.output
        }
        #expect(try torii(["adapters"]).contains("no adapters"))
        #expect(try torii(["adapters", "add", "tiny", paths[2]]).contains("tiny:three now"))
        let list = try torii(["adapters", "list", "tiny"])
        #expect(list.contains("tiny:three") && list.contains("resident"))
        #expect(try torii(["list"]).contains("tiny:three"))
        #expect(try torii(["show", "tiny:three"]).contains("adapter of"))
        #expect(try torii(["adapters", "remove", "tiny:three"]).contains("removed"))
        #expect(try torii(["adapters", "list", "tiny"]).contains("no adapters"))
    }
}

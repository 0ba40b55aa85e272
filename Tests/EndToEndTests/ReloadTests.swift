import Foundation
import Glibc
import HTTP
import JSON
import TestSupport
import Testing

/// The configuration read again, by signal and by request, while an answer runs.
extension EndToEndTests {
    @Suite(.serialized) struct ReloadTests {
        private let folder: TemporaryDirectory
        private var path: String { folder.path + "/torii.json" }

        init() throws {
            folder = try TemporaryDirectory()
        }

        private func write(_ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        }

        private func daemon() throws -> RunningDaemon {
            var model = TinyModel()
            model.contextLength = 8192
            return try RunningDaemon(tiny: model, arguments: ["--config", path])
        }

        private func reload(_ daemon: RunningDaemon) throws -> (status: Int, json: JSONValue) {
            let answer = try daemon.client.send(method: .post, path: "/admin/v1/reload")
            return (answer.status, try JSONValue.parse(answer.body))
        }

        /// The text of a stream, during which `action` runs once.
        private func stream(
            _ daemon: RunningDaemon,
            during action: () throws -> Void
        ) throws -> String {
            var text = ""
            var isDone = false
            try daemon.streamChat(["max_tokens": 1500, "ignore_eos": true]) { data in
                let delta = (try? JSONValue.parse(data))?["choices"]?[0]?["delta"]
                text += delta?["content"]?.stringValue ?? ""
                if !isDone, !text.isEmpty {
                    isDone = true
                    try action()
                }
                if data == "[DONE]" { text += " [DONE]" }
                return true
            }
            try #require(isDone, "no answer began")
            return text
        }

        @Test func `refuses a broken file with its line, and what runs is not hurt`() throws {
            try write("{}")
            let daemon = try daemon()
            let calm = try stream(daemon) {}
            #expect(calm.hasSuffix(" [DONE]"))
            let worker = try daemon.workerPID()
            let disturbed = try stream(daemon) {
                try write("{\n  models: {\n    entries: { tiny: { context: 'much' } },\n  },\n}")
                let (status, json) = try reload(daemon)
                let message = json["error"]?["message"]?.stringValue ?? ""
                #expect(status == 400 && message.contains("\(path): line 3: "), "\(message)")
                #expect(json["error"]?["code"] == "invalid_configuration")
                daemon.process.child.signal(SIGHUP)
                let state = try daemon.notifications.wait(for: "STATUS=reload failed")
                #expect(state.contains("line 3"))
            }
            #expect(disturbed == calm)
            #expect(try daemon.workerPID() == worker)
            let command = try ToriiProcess.run(
                ["reload"],
                environment: ["TORII_HOST": daemon.socket.description]
            )
            #expect(command.code == 1 && command.output.contains("line 3"), "\(command.output)")
        }

        @Test func `puts a good file to use, and lets running answers finish`() throws {
            try write("{}")
            let daemon = try daemon()
            let calm = try stream(daemon) {}
            let worker = try daemon.workerPID()
            let undisturbed = try stream(daemon) {
                try write(
                    """
                    {
                        log_level: "debug", listen: ["127.0.0.1:1"],
                        models: { memory: "50%", entries: { tiny: { aliases: ["small"] } } },
                    }
                    """
                )
                let (status, json) = try reload(daemon)
                #expect(status == 200)
                #expect(json["changed"] == ["log_level", "models.memory", "models.entries.tiny"])
                // The flag --listen is stronger than the file.
                #expect(json["restart_needed"] == [])
                #expect(json["unloading"] == [])
            }
            #expect(undisturbed == calm)
            #expect(try daemon.workerPID(of: "small") == worker)

            let draining = try stream(daemon) {
                try write("{ models: { entries: { tiny: { context: 4096 } } } }")
                daemon.process.child.signal(SIGHUP)
                #expect(daemon.process.wait(for: "unloading tiny"))
            }
            #expect(draining == calm)
            #expect(try daemon.chat(["max_tokens": 2]).0 == 200)
            #expect(try daemon.workerPID() != worker)
            let answer = try daemon.client.send(method: .get, path: "/admin/v1/models/tiny")
            let facts = try JSONValue.parse(answer.body)["facts"]
            #expect(facts?["context_length"] == 4096)
        }

        @Test func `asks for new keys, and refuses to drop the last one on an open address`() throws
        {
            let keys = folder.path + "/keys"
            func writeKeys(_ text: String) throws {
                try Data(text.utf8).write(to: URL(fileURLWithPath: keys))
                chmod(keys, 0o600)
            }
            try writeKeys("0123456789abcdef\n")
            try write("{ api_key_file: '\(keys)' }")
            let daemon = try RunningDaemon(arguments: ["--config", path, "--listen", "0.0.0.0:0"])
            func status(_ key: String) throws -> Int {
                try HTTPClient(endpoint: daemon.socket, apiKey: key)
                    .send(method: .post, path: "/admin/v1/reload").status
            }
            #expect(try status("fedcba9876543210") == 401)
            try writeKeys("fedcba9876543210\n")
            #expect(try status("0123456789abcdef") == 200)
            #expect(try status("0123456789abcdef") == 401)
            try write("{}")
            #expect(try status("fedcba9876543210") == 400)
            #expect(try status("0123456789abcdef") == 401)
        }
    }
}

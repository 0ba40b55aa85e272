import Foundation
import JSON
import TestSupport
import Testing

/// What operators do with models, from the command line.
extension EndToEndTests {
    @Suite(.serialized) struct ModelCommandTests {
        private func run(
            _ daemon: RunningDaemon,
            _ words: String...
        ) throws -> (code: Int32, output: String) {
            try ToriiProcess.run(words, environment: ["TORII_HOST": daemon.socket.description])
        }

        @Test func `plans, loads, pins, shows and unloads a model`() throws {
            let daemon = try RunningDaemon(arguments: ["--keep-alive", "1h"])
            let plan = try run(daemon, "plan", "tiny", "--context", "64")
            #expect(plan.code == 0 && plan.output.contains("It fits."), "\(plan.output)")
            let loaded = try run(daemon, "load", "tiny", "--context", "64")
            #expect(loaded.code == 0 && loaded.output.isEmpty, "\(loaded.output)")
            let processes = try run(daemon, "ps")
            #expect(processes.output.contains("in 59 min"), "\(processes.output)")
            let json = try JSONValue.parse(run(daemon, "show", "tiny", "--json").output)
            #expect(json["facts"]?["context_length"] == 64)

            #expect(try run(daemon, "pin", "tiny").code == 0)
            #expect(try run(daemon, "ps").output.contains("pinned"))
            #expect(try run(daemon, "unpin", "tiny").code == 0)
            #expect(try run(daemon, "status").output.contains("loaded 1×"))

            let unloaded = try run(daemon, "unload", "tiny", "--json")
            let model = try JSONValue.parse(unloaded.output)["model"]
            #expect(unloaded.code == 0 && model?["state"] == "unloaded")
            let empty = try run(daemon, "ps")
            #expect(empty.code == 0 && empty.output.contains("No model is in memory"))
        }

        @Test func `says in one line what cannot be done, and exits with 1`() throws {
            let daemon = try RunningDaemon(brokenModel: "broken")
            for words in [["load", "nowhere"], ["plan", "nowhere"], ["unload", "nowhere"]] {
                let outcome = try ToriiProcess.run(
                    words,
                    environment: ["TORII_HOST": daemon.socket.description]
                )
                #expect(outcome.code == 1 && outcome.output.contains("`torii list`"))
                #expect(outcome.output.split(separator: "\n").count == 1)
            }
            let broken = try run(daemon, "load", "broken")
            #expect(broken.code == 1 && broken.output.hasPrefix("torii: "), "\(broken.output)")
            let wrong = try run(daemon, "load", "tiny", "--keep-alive", "soon")
            #expect(wrong.code == 1 && wrong.output.contains("keep_alive"), "\(wrong.output)")
        }

        @Test func `refuses a model that the budget cannot hold, with what is missing`() throws {
            // Its keys and values alone would take gigabytes.
            var model = TinyModel()
            model.contextLength = 1 << 24
            let daemon = try RunningDaemon(tiny: model, arguments: ["--memory", "64MiB"])
            let plan = try run(daemon, "plan", "tiny", "--context", "16000000")
            #expect(plan.code == 1 && plan.output.contains("It does not fit"), "\(plan.output)")
            let loaded = try run(daemon, "load", "tiny", "--context", "16000000")
            #expect(loaded.code == 1 && loaded.output.contains("missing"), "\(loaded.output)")
        }

        @Test func `serves a variant with its own defaults and no second process`() throws {
            let folder = try TemporaryDirectory()
            let path = folder.path + "/torii.json"
            let text = "{models: {entries: {poet: {variant_of: 'tiny', max_tokens: 3}}}}"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let daemon = try RunningDaemon(arguments: ["--config", path])
            let answer = try daemon.chat(["model": "poet", "ignore_eos": true])
            #expect(answer.0 == 200 && answer.1["usage"]?["completion_tokens"] == 3)
            let more = try daemon.chat(["model": "poet", "max_tokens": 5, "ignore_eos": true])
            #expect(more.1["usage"]?["completion_tokens"] == 5)
            #expect(try run(daemon, "list").output.contains("(variant of tiny)"))
            let processes = try run(daemon, "ps").output
            #expect(processes.contains("tiny") && !processes.contains("poet"), "\(processes)")
            #expect(try run(daemon, "unload", "poet").code == 0)
            #expect(try run(daemon, "ps").output.contains("No model is in memory"))
        }

        @Test func `loads the models that shall be there from the start`() throws {
            let daemon = try RunningDaemon(arguments: ["--preload", "tiny", "--preload", "nowhere"])
            var state = ""
            while state != "resident" {
                let answer = try daemon.client.send(method: .get, path: "/admin/v1/models/tiny")
                state = try JSONValue.parse(answer.body)["state"]?.stringValue ?? ""
            }
            #expect(daemon.process.wait(for: "model cannot be preloaded"))
        }
    }
}

import Foundation
import Glibc
import HTTP
import JSON
import Platform
import TestSupport
import Testing

/// The real executable, from its command line and its sockets.
///
/// One test at a time: each blocks its thread while it waits for the child.
@Suite(.serialized, .timeLimit(.minutes(15))) struct EndToEndTests {
    /// So long that a signal arrives while it is computed.
    private static var longWinded: TinyModel {
        var model = TinyModel()
        model.contextLength = 32768
        return model
    }

    private func content(_ data: String) -> String {
        guard let chunk = try? JSONValue.parse(data) else { return "" }
        return chunk["choices"]?[0]?["delta"]?["content"]?.stringValue ?? ""
    }

    // MARK: Answers

    @Test func `answers a chat the same streamed or not, on both sockets`() throws {
        let daemon = try RunningDaemon()
        let (status, answer) = try daemon.chat(["max_tokens": 12])
        #expect(status == 200, "\(answer)")
        let text = answer["choices"]?[0]?["message"]?["content"]?.stringValue
        #expect(text?.isEmpty == false)
        #expect(answer["usage"]?["completion_tokens"]?.intValue == 12)
        #expect(answer["choices"]?[0]?["finish_reason"]?.stringValue == "length")

        let (_, second) = try daemon.chat(["max_tokens": 12], on: daemon.tcpAddress())
        #expect(second["choices"]?[0]?["message"]?["content"]?.stringValue == text)

        var streamed = ""
        var last = ""
        try daemon.streamChat(["max_tokens": 12]) { data in
            streamed += content(data)
            last = data
            return true
        }
        #expect(streamed == text)
        #expect(last == "[DONE]")
    }

    @Test func `answers a plain question with the starter model`() throws {
        let daemon = try RunningDaemon(tiny: nil, models: [.smolLM2])
        let (status, answer) = try daemon.chat([
            "model": "smollm2-135m-instruct.q4_1", "temperature": 0, "max_tokens": 40,
            "messages": [
                [
                    "role": "user",
                    "content": "What is the capital of France? Answer in one sentence.",
                ]
            ],
        ])
        #expect(status == 200, "\(answer)")
        let text = answer["choices"]?[0]?["message"]?["content"]?.stringValue ?? ""
        #expect(text.contains("Paris"), "\(text)")
    }

    // MARK: Faults

    @Test func `reports a killed worker in the stream and starts a fresh one`() throws {
        let daemon = try RunningDaemon(tiny: Self.longWinded)
        var killed: Int32?
        var events: [String] = []
        try daemon.streamChat(["max_tokens": 30_000, "ignore_eos": true]) { data in
            events.append(data)
            if killed == nil, !content(data).isEmpty {
                killed = try daemon.workerPID()
                if let killed { kill(killed, SIGKILL) }
            }
            return true
        }
        let last = try #require(events.last)
        #expect(try #require(killed) > 0)
        #expect(try JSONValue.parse(last)["error"]?["message"]?.stringValue != nil, "\(last)")

        let (status, answer) = try daemon.chat(["max_tokens": 4])
        #expect(status == 200, "\(answer)")
        let fresh = try daemon.workerPID()
        #expect(fresh != nil && fresh != killed)
        #expect(daemon.process.output.contains("signal 9"))
    }

    @Test func `answers with OpenAI's error envelope`() throws {
        let daemon = try RunningDaemon()
        let (status, answer) = try daemon.chat(["model": "nowhere"])
        #expect(status == 404)
        #expect(answer["error"]?["code"]?.stringValue == "model_not_found")
        let (bad, problem) = try daemon.chat(["temperature": "warm"])
        #expect(bad == 400)
        #expect(problem["error"]?["param"]?.stringValue == "temperature")
    }

    @Test func `keeps the daemon alive beside a broken model`() throws {
        let daemon = try RunningDaemon(brokenModel: "broken")
        let (status, answer) = try daemon.chat(["model": "broken", "max_tokens": 1])
        #expect(status >= 500, "\(answer)")
        #expect(answer["error"]?["message"]?.stringValue?.contains("broken") == true)
        #expect(try daemon.chat(["max_tokens": 1]).0 == 200)
    }

    // MARK: Command line

    @Test func `lists, shows and runs models from the command line`() throws {
        let daemon = try RunningDaemon()
        let host = ["TORII_HOST": daemon.socket.description]
        let list = try ToriiProcess.run(["list"], environment: host)
        #expect(list.code == 0)
        #expect(list.output.contains("tiny"))
        let run = try ToriiProcess.run(
            ["run", "tiny", "Hello", "--set", "max_tokens=5", "--set", "seed=7"],
            environment: host
        )
        #expect(run.code == 0, "\(run.output)")
        #expect(!run.output.isEmpty)
        let shown = try ToriiProcess.run(["ps"], environment: host)
        #expect(shown.output.contains("resident"))
        let facts = try ToriiProcess.run(["show", "tiny", "--json"], environment: host)
        let json = try JSONValue.parse(facts.output)
        #expect(json["facts"]?["architecture"]?.stringValue == "llama")
        let status = try ToriiProcess.run(["status"], environment: host)
        #expect(status.code == 0)
        let unknown = try ToriiProcess.run(["run", "nowhere", "Hello"], environment: host)
        #expect(unknown.code == 1)
        #expect(unknown.output.contains("`torii list`"))
    }

    @Test func `refuses a bad configuration with code 78 and says where it is wrong`() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/torii.json"
        try Data("{\n  lisen: []\n}".utf8).write(to: URL(fileURLWithPath: path))
        let served = try ToriiProcess.run(["serve", "--config", path])
        #expect(served.code == 78)
        #expect(served.output.contains("did you mean `listen`?"))
        let checked = try ToriiProcess.run(["check-config", path])
        #expect(checked.code == 1)
        #expect(
            checked.output == "torii: \(path): line 2: lisen: unknown key; did you mean `listen`?\n"
        )
        let exposed = try ToriiProcess.run(["serve", "--listen", "0.0.0.0:0"])
        #expect(exposed.code == 78)
        #expect(exposed.output.contains("--allow-anonymous"))
        for command in ["serve", "check-config"] {
            let forced = try ToriiProcess.run([command], environment: ["TORII_ISA": "mmx"])
            #expect(forced.code == (command == "serve" ? 78 : 1))
            #expect(forced.output.contains("TORII_ISA=mmx names no instruction set"))
        }
    }

    @Test func `says what to do when the address is taken`() throws {
        let daemon = try RunningDaemon()
        let taken = try daemon.tcpAddress().description
        let second = try ToriiProcess.run([
            "serve", "--listen", taken, "--models", daemon.folder.path,
        ])
        #expect(second.code == 1)
        #expect(second.output.contains("choose another --listen address"))
    }
}

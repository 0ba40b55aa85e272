import Foundation
import Glibc
import HTTP
import JSON
import TestSupport
import Testing

/// What happens to one model's process is nothing to the others.
///
/// `TORII_FAULT_ROUNDS` says how often each fault is tried.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct IsolationTests {
    private static let rounds =
        ProcessInfo.processInfo.environment["TORII_FAULT_ROUNDS"].flatMap { Int($0) } ?? 1

    private static var model: TinyModel {
        var model = TinyModel()
        model.contextLength = 32768
        return model
    }

    private static let neighbour: JSONObject = ["max_tokens": 500, "ignore_eos": true]

    private static func text(_ answer: JSONValue) -> String? {
        answer["choices"]?[0]?["message"]?["content"]?.stringValue
    }

    @Test(arguments: [SIGKILL, SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGTRAP, SIGSTOP])
    func `a fault of one model is an error for its requests and nothing to another model`(
        fault: Int32
    ) throws {
        let victims = (0..<Self.rounds).map { "victim-\($0)" }
        let daemon = try RunningDaemon(
            tiny: Self.model,
            copies: victims,
            arguments: ["--worker-timeout", "2"]
        )
        let (_, answer) = try daemon.chat(Self.neighbour)
        let calm = try #require(Self.text(answer))
        for victim in victims {
            let neighbour = try BackgroundChat(daemon, id: "beside-\(victim)", Self.neighbour)
            var hit: Int32?
            var last = ""
            let members: JSONObject = [
                "model": .string(victim), "max_tokens": 30_000, "ignore_eos": true,
            ]
            try daemon.streamChat(members) { data in
                last = data
                if hit == nil, data.contains("\"content\":\"") {
                    hit = try daemon.workerPID(of: victim)
                    if let hit { kill(hit, fault) }
                }
                return true
            }
            let error = try JSONValue.parse(last)["error"]
            let reason = error?["message"]?.stringValue ?? ""
            let expected = fault == SIGSTOP ? "sent no heartbeat for 2" : "by signal \(fault) (SIG"
            #expect(reason.contains(expected), "\(last)")

            let response = try #require(neighbour.wait())
            #expect(Self.text(try JSONValue.parse(response.body)) == calm)

            // A new process, and the same answer as from the other model's.
            var again = Self.neighbour
            again["model"] = .string(victim)
            let (status, fresh) = try daemon.chat(again)
            #expect(status == 200 && Self.text(fresh) == calm, "\(fresh)")
            let pid = try #require(try daemon.workerPID(of: victim))
            #expect(pid != hit)
            kill(pid, SIGKILL)
        }
    }

    @Test func `a model file that is cut hurts nobody until it is loaded again`() throws {
        let daemon = try RunningDaemon(tiny: Self.model, copies: ["cut"])
        let path = daemon.folder.path + "/models/cut.gguf"
        let members: JSONObject = ["model": "cut", "max_tokens": 30]
        let (_, before) = try daemon.chat(members)
        #expect(truncate(path, 100_000) == 0)
        let (_, after) = try daemon.chat(members)
        #expect(Self.text(after) != nil && Self.text(after) == Self.text(before))

        let pid = try #require(try daemon.workerPID(of: "cut"))
        kill(pid, SIGKILL)
        // Until the daemon has noticed that, a request may still get the dead worker's error.
        var (status, answer) = try daemon.chat(members)
        while answer["error"]?["code"]?.stringValue != "model_load_failed" {
            (status, answer) = try daemon.chat(members)
        }
        #expect(status == 503)
        let message = answer["error"]?["message"]?.stringValue ?? ""
        #expect(message.contains("ends at byte") || message.contains("ends too early"))
        #expect(try daemon.chat(["max_tokens": 1]).0 == 200)
    }
}

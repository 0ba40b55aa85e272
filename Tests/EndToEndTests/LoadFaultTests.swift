import Foundation
import Glibc
import HTTP
import JSON
import Platform
import TestSupport
import Testing

/// What happens to a model on its way into memory is an error for those who wait for it, and nothing
/// to another model.
@Suite(.serialized, .timeLimit(.minutes(15)))
struct LoadFaultTests {
    private let daemon: RunningDaemon
    /// What the neighbour answers while nothing happens.
    private let calm: String

    private static let victim = "victim"
    private static let neighbour: JSONObject = ["max_tokens": 400, "ignore_eos": true]

    /// A daemon with a model in memory, and a large one that is not.
    init() throws {
        daemon = try RunningDaemon(arguments: ["--worker-timeout", "2"])
        calm = try #require(Self.text(try daemon.chat(Self.neighbour).1))
        try FileManager.default.copyItem(
            atPath: TestModels.path(of: .smolLM2),
            toPath: daemon.folder.path + "/models/\(Self.victim).gguf"
        )
        // The folder is looked at once a second, for those who ask.
        while try victim()["id"] == nil { try Self.pause() }
    }

    private var path: String { daemon.folder.path + "/models/\(Self.victim).gguf" }

    /// Between two looks; throws once the test's time limit has passed.
    private static func pause(milliseconds: Int32 = 100) throws {
        try Task.checkCancellation()
        poll(nil, 0, milliseconds)
    }

    private static func text(_ answer: JSONValue) -> String? {
        answer["choices"]?[0]?["message"]?["content"]?.stringValue
    }

    private func fetch(_ path: String) throws -> JSONValue {
        try JSONValue.parse(try daemon.client.send(method: .get, path: "/admin/v1/\(path)").body)
    }

    private func victim() throws -> JSONValue { try fetch("models/\(Self.victim)") }

    private func unload() throws {
        _ = try daemon.post("/admin/v1/models/\(Self.victim)/unload", ["wait": true])
    }

    private func ask(_ id: String) throws -> BackgroundChat {
        try BackgroundChat(daemon, id: id, ["model": .string(Self.victim), "max_tokens": 2])
    }

    /// How far a worker has come.
    enum Stage: String, CaseIterable, CustomTestStringConvertible {
        case starting
        case loading
        var testDescription: String { rawValue }
    }

    /// Asks for the model and stops its process at this stage.
    private func stop(at stage: Stage) throws -> (request: BackgroundChat, pid: Int32) {
        while true {
            let request = try ask("hit")
            while true {
                let model = try victim()
                let state = model["state"]?.stringValue
                if let pid = model["pid"]?.intValue.map({ Int32($0) }),
                    stage == .starting || state == "loading" || state == "resident"
                {
                    kill(pid, SIGSTOP)
                    if try isAt(stage) { return (request, pid) }
                    kill(pid, SIGCONT)
                    break
                }
                try Self.pause(milliseconds: 1)
            }
            // Too late; again.
            _ = request.wait()
            try unload()
        }
    }

    private func isAt(_ stage: Stage) throws -> Bool {
        // What it said before it was stopped is heard.
        poll(nil, 0, 50)
        let model = try victim()
        return switch stage {
        case .starting: model["state"] == "waiting" && model["memory"] == .null
        case .loading: model["state"] == "loading"
        }
    }

    /// The message of the error that a waiting request ended in.
    private func ending(of request: BackgroundChat) throws -> String {
        // After a long wait the status has been sent already, and only the body can tell it.
        let response = try #require(request.wait())
        let error = try JSONValue.parse(response.body)["error"]
        #expect(error?["code"] == "model_load_failed", "\(error ?? .null)")
        let message = error?["message"]?.stringValue ?? ""
        #expect(message.contains("`\(Self.victim)`"), "\(message)")
        return message
    }

    /// Runs `fault` while the neighbour answers, and holds its answer against the calm one.
    private func beside<Result>(_ name: String, _ fault: () throws -> Result) throws -> Result {
        let chat = try BackgroundChat(daemon, id: "beside-\(name)", Self.neighbour)
        let result = try fault()
        let response = try #require(chat.wait())
        #expect(Self.text(try JSONValue.parse(response.body)) == calm)
        return result
    }

    /// Returns once nothing is held for the model, which is when its process is gone.
    private func awaitMemory() throws {
        while true {
            let memory = try fetch("status")["memory"]
            let reserved = try #require(memory?["reserved_byte_count"]?.intValue)
            let granted = try #require(memory?["granted_byte_count"]?.intValue)
            let held = try fetch("models/tiny")["memory"]?["held_byte_count"]?.intValue
            if held == reserved + granted { break }
            try Self.pause()
        }
        #expect(try victim()["memory"] == .null)
    }

    @Test(arguments: Stage.allCases, [SIGKILL, SIGSEGV, SIGSTOP])
    func `a process that ends or hangs on the way fails those who wait, again after a pause`(
        stage: Stage,
        fault: Int32
    ) throws {
        for round in 1...2 {
            let ending = try beside("\(stage)-\(fault)-\(round)") {
                let (request, pid) = try stop(at: stage)
                kill(pid, fault)
                // What is stopped takes no other signal than SIGKILL.
                if fault != SIGSTOP { kill(pid, SIGCONT) }
                return try self.ending(of: request)
            }
            let reason =
                switch (fault, stage) {
                // It may have greeted before, or not.
                case (SIGSTOP, .starting): "the worker did not "
                case (SIGSTOP, .loading): "showed no progress for 12"
                default: "by signal \(fault) (SIG"
                }
            #expect(ending.contains(reason), "\(ending)")
            try awaitMemory()
            let model = try victim()
            #expect(model["last_failure"]?.stringValue?.contains(reason) == true, "\(model)")
            // Once may have been an accident.
            #expect(model["state"]?.stringValue == (round == 1 ? "unloaded" : "failed"))
        }
        _ = try self.ending(of: try ask("refused"))
        let pause = try #require(try victim()["retry_after_seconds"]?.intValue)
        #expect((1...20).contains(pause))
        // An operator need not wait for the end of the pause.
        try unload()
        #expect(try #require(try ask("again").wait()).status == 200)
    }

    @Test func `a file that is cut while it is loaded is refused, and loaded once it is whole`()
        throws
    {
        let whole = daemon.folder.path + "/whole"
        try FileManager.default.copyItem(atPath: path, toPath: whole)
        let ending = try beside("cut") {
            let (request, pid) = try stop(at: .loading)
            #expect(truncate(path, 20_000_000) == 0)
            kill(pid, SIGCONT)
            return try self.ending(of: request)
        }
        #expect(ending.contains("changed while it was read"), "\(ending)")
        try awaitMemory()
        #expect(try victim()["state"] == "failed")
        #expect(rename(whole, path) == 0)
        // Another file is another chance; the folder is looked at once a second.
        while try #require(try ask("again").wait()).status != 200 { try Self.pause() }
    }

    @Test func `a file that is replaced while it is loaded is loaded as it was, then as it is`()
        throws
    {
        let other = daemon.folder.path + "/other"
        try FileManager.default.copyItem(
            atPath: daemon.folder.path + "/models/tiny.gguf",
            toPath: other
        )
        try beside("replaced") {
            let (request, pid) = try stop(at: .loading)
            #expect(rename(other, path) == 0)
            kill(pid, SIGCONT)
            #expect(try #require(request.wait()).status == 200)
        }
        try unload()
        var members = Self.neighbour
        members["model"] = .string(Self.victim)
        while Self.text(try daemon.chat(members).1) != calm {
            try Self.pause()
            try unload()
        }
    }

    @Test func `a file that is overwritten while it is loaded comes to an end`() throws {
        try beside("overwritten") {
            let (request, pid) = try stop(at: .loading)
            let file = open(path, O_WRONLY | O_CLOEXEC)
            let bytes = [UInt8](repeating: 0xFF, count: 1 << 20)
            for _ in 0..<90 { _ = write(file, bytes, bytes.count) }
            close(file)
            kill(pid, SIGCONT)
            // The weights may be what they were or nonsense, which is an error or a bad answer.
            #expect(try #require(request.wait()).status != 0)
        }
        try unload()
        try awaitMemory()
    }

    @Test func `a daemon that has no descriptor left for a worker says so, and loads later`() throws
    {
        let pid = daemon.process.child.pid
        var endings: Set<Int> = []
        // The connection takes one; then the file, the sockets and the process want theirs.
        for spare in 2...24 {
            try limitDescriptors(of: pid, to: try limit(leaving: spare, to: pid))
            let response = try #require(try ask("spare-\(spare)").wait(), "spare \(spare)")
            endings.insert(response.status)
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(response.status == 200 || text.contains("`\(Self.victim)`"), "\(text)")
            try limitDescriptors(of: pid, to: 1024)
            try unload()
            try awaitMemory()
        }
        #expect(endings == [200, 503], "both were seen")
        #expect(Self.text(try daemon.chat(Self.neighbour).1) == calm)
    }

    /// The limit below which so many numbers of descriptors are free.
    private func limit(leaving spare: Int, to pid: Int32) throws -> Int {
        let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")
        let taken = Set(names.compactMap { Int($0) })
        var (limit, free) = (0, 0)
        while free < spare {
            if !taken.contains(limit) { free += 1 }
            limit += 1
        }
        return limit
    }

    private func limitDescriptors(of pid: Int32, to count: Int) throws {
        let child = try ChildProcess.spawn(
            executable: "/usr/bin/prlimit",
            arguments: ["--pid", "\(pid)", "--nofile=\(count):"],
            environment: [:]
        )
        #expect(child.waitForExit() == .exited(code: 0))
    }
}

import Gateway
import Glibc
import JSON
import Platform
import Telemetry
import TestSupport
import Testing

/// The file of prompts, which there is only when the configuration names one.
@Suite(.timeLimit(.minutes(15))) struct PromptLogTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.file("prompts.jsonl") }

    init() throws { folder = try TemporaryDirectory() }

    private func lines() throws -> [JSONValue] {
        try Files.contents(of: path).split(separator: 0x0a).map { try JSONValue.parse(Array($0)) }
    }

    private func prompts(
        maximumByteCount: Int = 1 << 20,
        log: Log = Log(sink: .none)
    ) throws -> PromptLog {
        try PromptLog(path: path, maximumByteCount: maximumByteCount, log: log)
    }

    @Test func `writes what models are asked, as one line a request, for its owner alone`()
        async throws
    {
        let fake = try FakeGateway(prompts: try prompts())
        #expect(await fake.chat("tell me").status == 200)
        #expect(await fake.send(.get, "/v1/models").status == 200)
        #expect(await fake.send(.post, "/v1/completions", body: ["prompt": 7]).status == 400)
        let lines = try lines()
        #expect(lines.map { $0["route"] } == ["/v1/chat/completions", "/v1/completions"])
        let message = lines[0]["body"]?["messages"]?[0]
        #expect(message?["content"] == "tell me" && lines[0]["request"] == "req_1")
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let answer = await fake.send(.get, "/admin/v1/status")
        #expect(try answer.json()["log_prompts"] == .string(path))
    }

    @Test func `is not there unless somebody asked for it`() async throws {
        let fake = try FakeGateway()
        #expect(await fake.chat("tell me").status == 200)
        let answer = await fake.send(.get, "/admin/v1/status")
        #expect(try answer.json()["log_prompts"] == .null)
    }

    @Test func `keeps no more than two files of a bounded length`() async throws {
        let fake = try FakeGateway(prompts: try prompts(maximumByteCount: 2000))
        for number in 0..<30 {
            _ = await fake.chat("number \(number) \(String(repeating: "x", count: 200))")
        }
        let now = try Files.contents(of: path)
        let before = try Files.contents(of: path + ".1")
        #expect(now.count <= 2000 && before.count <= 2000 && before.count > 1000)
        #expect(String(decoding: now, as: UTF8.self).contains("number 29 "))
    }

    @Test func `a full disk is told once and costs no request`() async throws {
        let (sink, entries) = LogSink.collecting()
        let fake = try FakeGateway(prompts: try prompts(log: Log(sink: sink)))
        for _ in 0..<2 {
            let answer = await FaultPlan.$current.withValue(FaultPlan(failing: 1, code: ENOSPC)) {
                await fake.chat("tell me")
            }
            #expect(answer.status == 200)
        }
        #expect(entries().count == 1 && entries()[0].message == "prompts cannot be written")
        #expect(await fake.chat("again").status == 200)
        #expect(try lines().count == 1)
    }
}

import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// Requests that wait for their turn in the real executable, and how they end.
@Suite(.serialized, .timeLimit(.minutes(15))) struct QueueTests {
    /// A daemon that computes one request at a time, and the request that keeps it busy.
    private func busyDaemon() throws -> (RunningDaemon, BackgroundChat) {
        var model = TinyModel()
        model.contextLength = 32768
        let daemon = try RunningDaemon(tiny: model, arguments: ["--parallel", "1"])
        let long = try BackgroundChat(
            daemon,
            id: "long",
            ["max_tokens": 30_000, "ignore_eos": true, "stream": true]
        )
        try wait(daemon) { $0["long"] == "decoding" }
        return (daemon, long)
    }

    /// Waits until the states of the requests under way, by their ids, are as wanted.
    private func wait(
        _ daemon: RunningDaemon,
        until condition: ([String: String]) -> Bool
    ) throws {
        let deadline = Date().addingTimeInterval(60)
        while true {
            let response = try daemon.client.send(method: .get, path: "/admin/v1/requests")
            let requests = try JSONValue.parse(response.body)["requests"]?.arrayValue ?? []
            let states = requests.map { request in
                (request["id"]?.stringValue ?? "", request["state"]?.stringValue ?? "")
            }
            if condition(Dictionary(states) { $1 }) { return }
            try #require(Date() < deadline, "\(states)")
        }
    }

    private static func isWaiting(_ state: String) -> Bool {
        state == "queued" || state == "prefill"
    }

    @Test func `ends a waiting request for an operator, and its client is told`() throws {
        let (daemon, long) = try busyDaemon()
        for streams in [false, true] {
            let waiting = try BackgroundChat(daemon, id: "waiting", ["stream": .bool(streams)])
            try wait(daemon) { $0["waiting"].map(Self.isWaiting) ?? false }
            let path = "/admin/v1/requests/waiting"
            let ended = try daemon.client.send(method: .delete, path: path)
            #expect(ended.status == 200)
            let answer = try #require(waiting.wait())
            let text = String(decoding: answer.body, as: UTF8.self)
            #expect(text.contains(#""code":"request_cancelled""#), "\(text)")
            // Once the head of a stream is sent, the error can only be in the stream.
            #expect(answer.status == 503 || streams && answer.status == 200)
            #expect(try daemon.client.send(method: .delete, path: path).status == 404)
        }
        long.hangUp()
        _ = long.wait()
        try wait(daemon) { $0.isEmpty }
    }

    @Test func `forgets requests whose clients have gone, and serves the next one`() throws {
        let (daemon, long) = try busyDaemon()
        let leavers = try ["a", "b"].map {
            try BackgroundChat(daemon, id: $0, ["stream": .bool($0 == "b")])
        }
        try wait(daemon) { $0.count == 3 && $0.filter { Self.isWaiting($0.value) }.count == 2 }
        for leaver in leavers { leaver.hangUp() }
        try wait(daemon) { $0 == ["long": "decoding"] }
        long.hangUp()
        try wait(daemon) { $0.isEmpty }
        for chat in leavers + [long] { _ = chat.wait() }
        let (status, answer) = try daemon.chat(["max_tokens": 2])
        #expect(status == 200, "\(answer)")
    }
}

import TestSupport
import Testing
import WorkerProtocol

@Suite struct HostileFrameTests {
    @Test func `every truncation of every message is an error`() throws {
        var messages = RandomMessages(seed: 3)
        for kind in 0..<63 {
            try expectTruncationsFail(messages.workerMessage(kind: kind))
            try expectTruncationsFail(messages.gatewayMessage(kind: kind))
        }
    }

    private func expectTruncationsFail(_ message: some FramedMessage) throws {
        var frame: [UInt8] = []
        message.serialize(into: &frame)
        for count in 0..<frame.count {
            #expect(throws: WorkerProtocolError.self) {
                _ = try type(of: message).init(parsing: Array(frame[..<count]))
            }
        }
        #expect(throws: WorkerProtocolError.trailingBytes(count: 1)) {
            _ = try type(of: message).init(parsing: frame + [0])
        }
    }

    @Test func `changed bytes give a message or an error, never a trap`() {
        var messages = RandomMessages(seed: 4)
        for round in 0..<6000 {
            mutate(messages.workerMessage(kind: round), &messages.random)
            mutate(messages.gatewayMessage(kind: round), &messages.random)
        }
    }

    private func mutate<Message: FramedMessage>(
        _ message: Message,
        _ random: inout SeededGenerator
    ) {
        var frame: [UInt8] = []
        message.serialize(into: &frame)
        for _ in 0..<random.int(in: 1...4) {
            let extremes: [UInt8] = [
                0, 1, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: random.next()),
            ]
            frame[random.int(in: 0...(frame.count - 1))] = extremes[random.int(in: 0...5)]
        }
        guard let parsed = try? Message(parsing: frame) else { return }
        var again: [UInt8] = []
        parsed.serialize(into: &again)
        #expect(throws: Never.self) { _ = try Message(parsing: again) }
    }

    @Test(arguments: [
        [UInt8(6)] + Array(repeating: 0, count: 8) + [0xFF, 0xFF, 0xFF, 0xFF],
        [UInt8(6)] + Array(repeating: 0, count: 8) + [2, 0, 0, 0, 1, 2, 3, 4],
        [UInt8(5)] + Array(repeating: 0, count: 8) + [2, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F],
    ])
    func `a count beyond the frame's end is refused before memory is reserved`(frame: [UInt8]) {
        let error = #expect(throws: WorkerProtocolError.self) {
            _ = try WorkerMessage(parsing: frame)
        }
        guard case .countTooLarge? = error else {
            Issue.record("unexpected error \(String(describing: error))")
            return
        }
    }

    @Test func `numbers that would poison the gateway are refused`() {
        func frame(_ tag: UInt8, _ bits: UInt64) -> [UInt8] {
            [tag] + (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        }
        for fraction in [Double.nan, .infinity, -0.1, 1.1] {
            #expect(throws: WorkerProtocolError.valueOutOfRange(field: "fraction")) {
                _ = try WorkerMessage(parsing: frame(2, fraction.bitPattern))
            }
        }
        let status = [UInt8(9)] + Array(repeating: 0xFF, count: 64)
        #expect(throws: WorkerProtocolError.valueOutOfRange(field: "count")) {
            _ = try WorkerMessage(parsing: status)
        }
        #expect(throws: WorkerProtocolError.invalidUTF8) {
            _ = try WorkerMessage(parsing: [4, 1, 0, 0, 0, 0xFF])
        }
        #expect(throws: WorkerProtocolError.unknownTag(type: "WorkerMessage", tag: 0)) {
            _ = try WorkerMessage(parsing: [0])
        }
    }
}

import TestSupport
import Testing
import WorkerProtocol

@Suite struct FrameTests {
    @Test func `messages survive being cut into bytes`() throws {
        var messages = RandomMessages(seed: 1)
        var sent: [WorkerMessage] = []
        var writer = FrameWriter()
        for kind in 0..<90 {
            let message = messages.workerMessage(kind: kind)
            sent.append(message)
            try writer.append(message)
        }
        var reader = FrameReader<WorkerMessage>()
        var received: [WorkerMessage] = []
        for byte in writer.take() {
            reader.append(CollectionOfOne(byte))
            while let message = try reader.next() { received.append(message) }
        }
        #expect(received == sent)
        #expect(reader.isAtBoundary)
        #expect(writer.bytes.isEmpty)
    }

    @Test func `a gateway's messages survive in portions of any size`() throws {
        var messages = RandomMessages(seed: 2)
        for round in 0..<50 {
            let sent = (0..<7).map { messages.gatewayMessage(kind: $0) }
            var writer = FrameWriter()
            for message in sent { try writer.append(message) }
            var rest = writer.take()[...]
            var reader = FrameReader<GatewayMessage>()
            var received: [GatewayMessage] = []
            while !rest.isEmpty {
                let count = min(rest.count, messages.random.int(in: 1...(1 + round * 7)))
                reader.append(rest.prefix(count))
                rest = rest.dropFirst(count)
                while let message = try reader.next() { received.append(message) }
            }
            #expect(received == sent)
        }
    }

    @Test func `an announced frame above the limit is refused at its length`() {
        var reader = FrameReader<WorkerMessage>(limits: FrameLimits(maximumFrameByteCount: 100))
        reader.append([101, 0, 0, 0])
        let expected = WorkerProtocolError.frameTooLarge(byteCount: 101, maximumByteCount: 100)
        #expect(throws: expected) { try reader.next() }
        reader.append([1, 2, 3])
        #expect(throws: expected) { try reader.next() }
        #expect(!reader.isAtBoundary)
    }

    @Test func `a message above the limit is not sent and leaves the rest as it was`() throws {
        var writer = FrameWriter(limits: FrameLimits(maximumFrameByteCount: 100))
        try writer.append(WorkerMessage.hello(protocolVersion: 1))
        let before = writer.bytes
        let long = WorkerMessage.text(id: 1, String(repeating: "x", count: 100))
        #expect(throws: WorkerProtocolError.self) { try writer.append(long) }
        #expect(writer.bytes == before)
    }

    @Test func `the hello has the form that every version understands`() throws {
        var writer = FrameWriter()
        try writer.append(WorkerMessage.hello(protocolVersion: 0x0403_0201))
        #expect(writer.bytes == [5, 0, 0, 0, 1, 1, 2, 3, 4])
    }
}

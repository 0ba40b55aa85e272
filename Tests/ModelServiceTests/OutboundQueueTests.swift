import TestSupport
import Testing

@testable import ModelService

@Suite struct OutboundQueueTests {
    @Test func `files go before the end of the message that names them, however many`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([1], to: "file")
        let files = try (0..<40).map { _ in try OpenedFile(path: path) }
        var queue = OutboundQueue(maximumByteCount: 1000)
        let isTaken = [
            queue.append([1, 2, 3]), queue.append([4, 5, 6, 7, 8], passing: files),
            queue.append([9]),
        ]
        #expect(isTaken == [true, true, true])
        var sent: [UInt8] = []
        var passed: [OpenedFile] = []
        while !queue.isEmpty {
            let (bytes, next) = queue.next
            try #require(!bytes.isEmpty)
            // A socket may take less than it is given.
            let count = (bytes.count + 1) / 2
            sent += bytes.prefix(count)
            passed += next
            queue.sent(count, passed: next.count)
            if sent.count >= 8 { #expect(passed.count == files.count) }
        }
        #expect(sent == [1, 2, 3, 4, 5, 6, 7, 8, 9])
        #expect(zip(passed, files).allSatisfy { $0 === $1 } && passed.count == 40)
    }
}

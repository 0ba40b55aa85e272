import Glibc
import Testing

@testable import Platform

@Suite struct DescriptorTests {
    private static func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }

    @Test func `a descriptor is closed at the end of its owner's life, unless released`() throws {
        let pair = try SocketPair.make()
        let (first, second) = (pair.first.rawValue, pair.second.rawValue)
        #expect(Self.isOpen(first) && Self.isOpen(second))
        #expect(fcntl(first, F_GETFD) & FD_CLOEXEC != 0)
        do {
            _ = consume pair
        }
        // The numbers may have been given out again by tests that run beside this one, so the proof
        // is a descriptor that nobody else can have: one far above.
        let high = fcntl(0, F_DUPFD_CLOEXEC, 900)
        do { _ = FileDescriptor(owning: high) }
        #expect(!Self.isOpen(high))
        let kept = fcntl(0, F_DUPFD_CLOEXEC, 900)
        let released = FileDescriptor(owning: kept).release()
        #expect(released == kept && Self.isOpen(kept))
        close(kept)
    }

    @Test func `open files travel through a socket with the bytes that are sent`() throws {
        let pair = try SocketPair.make()
        let pipes = try (0..<3).map { _ in try SocketPair.make().release() }
        let passed = pipes.map(\.first)
        let sent = StreamSocket.send(pair.first.rawValue, [1, 2, 3], passing: passed)
        #expect(sent == .transferred(3))
        #expect(StreamSocket.send(pair.first.rawValue, [4], passing: []) == .transferred(1))
        for descriptor in passed { close(descriptor) }
        var received: [Int32] = []
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16)
        while bytes.count < 4 {
            let count = StreamSocket.receiveBlocking(
                pair.second.rawValue,
                into: &buffer,
                passed: &received
            )
            try #require(count > 0)
            bytes += buffer.prefix(count)
        }
        #expect(bytes == [1, 2, 3, 4] && received.count == 3)
        for (ours, theirs) in zip(received, pipes.map(\.second)) {
            #expect(fcntl(ours, F_GETFD) & FD_CLOEXEC != 0)
            #expect(write(theirs, [7], 1) == 1)
            var byte: UInt8 = 0
            #expect(read(ours, &byte, 1) == 1 && byte == 7, "it is the same socket")
            close(ours)
            close(theirs)
        }
    }

    @Test func `errors name the call, the file and the reason`() {
        let error = SystemError(call: "open", code: ENOENT, path: "/nowhere")
        #expect(error.description == "open /nowhere: No such file or directory (ENOENT)")
        #expect(SystemError(call: "read", code: 12345).description.hasPrefix("read: "))
    }

    @Test func `reads a file at offsets, and tells a short one`() throws {
        let path = "/tmp/torii-platform-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        let descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        defer { unlink(path) }
        let file = try ReadOnlyFile.open(path: path)
        #expect(file.byteCount == 10_000)
        var buffer = [UInt8](repeating: 0, count: 100)
        try buffer.withUnsafeMutableBytes { try file.read(at: 9_900, into: $0) }
        #expect(buffer == Array(bytes[9_900...]))
        var code: Int32 = 0
        do throws(SystemError) {
            try file.read(
                at: 9_901,
                into: UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 1)
            )
        } catch {
            code = error.code
        }
        #expect(code == ENODATA)
        #expect(try Files.contents(of: path) == bytes)
        #expect(throws: SystemError(call: "read", code: EFBIG, path: path)) {
            try Files.contents(of: path, maximumByteCount: 9_999)
        }
    }

    @Test(arguments: [("/tmp", EISDIR), ("/dev/null", EINVAL), ("/nowhere", ENOENT)])
    func `opens regular files only`(path: String, code: Int32) {
        do throws(SystemError) {
            _ = try ReadOnlyFile.open(path: path)
            Issue.record("\(path) was opened")
        } catch {
            #expect(error.code == code)
        }
    }

    @Test func `reads the kernel's text files`() throws {
        #expect(try Files.text(of: "/proc/self/status").hasPrefix("Name:"))
    }

    @Test func `anonymous memory is zero, writable and aligned`() throws {
        for byteCount in [0, 1, 4096, 5 << 20] {
            let buffer = try AlignedBuffer(byteCount: byteCount)
            #expect(buffer.byteCount == byteCount && buffer.bytes.count == byteCount)
            #expect(UInt(bitPattern: buffer.baseAddress) % 4096 == 0)
            if byteCount > 0 {
                #expect(buffer.bytes.first == 0 && buffer.bytes.last == 0)
                buffer.bytes[byteCount - 1] = 1
            }
        }
        #expect(throws: SystemError.self) { try AlignedBuffer(byteCount: .max) }
    }

    @Test func `a poller tells who is ready and a wake-up wakes it`() throws {
        let poller = try Poller()
        let wakeUp = try WakeUp()
        try poller.add(wakeUp.descriptor, for: .readable, token: 7)
        var tokens: [UInt64] = []
        poller.wait(until: .now()) { tokens.append($0.token) }
        #expect(tokens.isEmpty)
        wakeUp.signal()
        wakeUp.signal()
        poller.wait(until: nil) { tokens.append($0.token) }
        #expect(tokens == [7])
        wakeUp.wait(until: nil)
        wakeUp.reset()
        poller.wait(until: .now()) { tokens.append($0.token) }
        #expect(tokens == [7])
        wakeUp.wait(until: .now())
    }
}

import Glibc
import Platform
import TestSupport
import WorkerProtocol

/// A worker in a process of its own, as the gateway starts it, and the gateway's end of its socket.
final class WorkerProcessConversation {
    let child: ChildProcess
    private let ours: Int32
    private var reader = FrameReader<WorkerMessage>()

    /// How long a worker may be silent: more than a busy machine and a sanitizer together need.
    private static let patienceSeconds = 600

    /// Starts a worker that is asked to load a model.
    init(_ options: WorkerLoadOptions, sandbox: Sandbox.Policy = .available) throws {
        var options = options
        options.modelDescriptors = [WorkerDescriptors.firstModelFile]
        let file = try ReadOnlyFile.open(path: options.modelPath)
        let pair = try SocketPair.make()
        child = try ChildProcess.spawn(
            executable: BuiltExecutable.path("torii"),
            arguments: ["worker", "--sandbox", sandbox.rawValue],
            environment: ["SWIFT_BACKTRACE": "enable=no"],
            inheriting: [
                (descriptor: pair.second.rawValue, as: WorkerDescriptors.socket),
                (descriptor: file.rawValue, as: WorkerDescriptors.firstModelFile),
            ]
        )
        ours = dup(pair.first.rawValue)
        var limit = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try send(.load(options))
    }

    /// Writes a message; a worker that is gone is found by `next`.
    func send(_ message: GatewayMessage) throws {
        var writer = FrameWriter()
        try writer.append(message)
        let bytes = writer.take()
        _ = Glibc.send(ours, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// The next message; nil at the end, or when patience is.
    ///
    /// Heartbeats are left out, and the footprint, which is granted.
    func next() throws -> WorkerMessage? {
        while true {
            while let message = try reader.next() {
                if case .heartbeat = message { continue }
                if case .footprint = message {
                    try send(.memoryReserved)
                    continue
                }
                return message
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(ours, &buffer, buffer.count)
            guard count > 0 else { return nil }
            reader.append(Array(buffer[..<count]))
        }
    }

    /// The most memory the process has had so far, in bytes; nil once it has ended.
    var peakByteCount: Int? {
        guard let text = try? Files.text(of: "/proc/\(child.pid)/status") else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let words = line?.split(separator: " ") ?? []
        return words.count >= 2 ? Int(words[1]).map { $0 * 1024 } : nil
    }

    /// Hangs up and waits for the end; a worker that does not end by itself is killed.
    func end() -> ExitStatus {
        shutdown(ours, Int32(SHUT_RDWR))
        close(ours)
        var entry = pollfd(fd: child.pidfd, events: Int16(POLLIN), revents: 0)
        if poll(&entry, 1, Int32(Self.patienceSeconds) * 1000) == 0 { child.signal(SIGKILL) }
        return child.waitForExit()
    }
}

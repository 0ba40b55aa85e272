import Foundation
import Glibc
import HTTP
import JSON
import Platform
import Synchronization
import TestSupport

/// The real executable as a child process, with what it writes.
final class ToriiProcess: Sendable {
    let child: ChildProcess
    private let lines: Lines
    private let reader: DedicatedThread

    /// Starts `torii` with these arguments; standard output and standard error are collected.
    ///
    /// With `sockets` they are handed over as a service manager does; `limit` is what the shell's
    /// `ulimit` is told first, such as `-n 48`.
    init(
        _ arguments: [String],
        environment: [String: String] = [:],
        input: Int32? = nil,
        sockets: [Int32] = [],
        limit: String? = nil
    ) throws {
        let executable = try BuiltExecutable.path("torii")
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0 else { throw SystemError.last("pipe") }
        let (readEnd, writeEnd) = (pipe[0], pipe[1])
        defer { close(writeEnd) }
        var variables = [
            "SWIFT_BACKTRACE": "enable=no", "HOME": "/nonexistent",
            // Not those of a daemon that this machine runs.
            "STATE_DIRECTORY": "/nonexistent", "CACHE_DIRECTORY": "/nonexistent",
            "TORII_ADMIN_SOCKET": "none",
        ]
        variables.merge(environment) { $1 }
        var descriptors: [(descriptor: Int32, as: Int32)] = [(writeEnd, 1), (writeEnd, 2)]
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(nothing) }
        descriptors.append((input ?? nothing, 0))
        for (index, socket) in sockets.enumerated() {
            descriptors.append((socket, Int32(3 + index)))
        }
        var preparation = ""
        if let limit { preparation += "ulimit \(limit); " }
        if !sockets.isEmpty {
            // sd_listen_fds(3) wants the process's own number, which only the process knows.
            preparation += "export LISTEN_PID=$$; "
            variables["LISTEN_FDS"] = "\(sockets.count)"
        }
        let command = ["-c", preparation + "exec \"$0\" \"$@\"", executable]
        child = try ChildProcess.spawn(
            executable: preparation.isEmpty ? executable : "/bin/sh",
            arguments: preparation.isEmpty ? arguments : command + arguments,
            environment: variables,
            inheriting: descriptors
        )
        let lines = try Lines()
        self.lines = lines
        reader = try DedicatedThread(name: "test-output") {
            lines.collect(from: readEnd)
            close(readEnd)
        }
    }

    deinit {
        child.signal(SIGKILL)
        _ = child.waitForExit()
    }

    /// Everything written so far.
    var output: String { lines.text }

    /// Waits until `text` was written; false if the output ended without it.
    func wait(for text: String) -> Bool { lines.wait(for: text) }

    /// Waits for the end; returns the exit code (or -1 after a signal) and the whole output.
    func wait() -> (code: Int32, output: String) {
        let status = child.waitForExit()
        reader.join()
        guard case .exited(let code) = status else { return (-1, output) }
        return (code, output)
    }

    /// Runs to the end.
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        limit: String? = nil
    ) throws -> (code: Int32, output: String) {
        try ToriiProcess(arguments, environment: environment, limit: limit).wait()
    }

    private final class Lines: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        private let hasEnded = Mutex(false)
        private let wakeUp: WakeUp

        init() throws { wakeUp = try WakeUp() }

        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

        func wait(for wanted: String) -> Bool {
            while true {
                wakeUp.reset()
                let isLast = hasEnded.withLock { $0 }
                if text.contains(wanted) { return true }
                if isLast { return false }
                wakeUp.wait(until: nil)
            }
        }

        func collect(from descriptor: Int32) {
            defer {
                hasEnded.withLock { $0 = true }
                wakeUp.signal()
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                bytes.withLock { $0 += buffer[..<count] }
                wakeUp.signal()
            }
        }
    }
}

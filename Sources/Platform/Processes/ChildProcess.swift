import CLinux
import Glibc
import Synchronization

/// How a process ended.
package enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    /// It returned or called exit with this code.
    case exited(code: Int32)
    /// A signal ended it.
    case signaled(Int32)

    package var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .signaled(let signal):
            // Safety: the C function returns a static NUL-terminated string for every number.
            unsafe "was ended by signal \(signal) (SIG\(String(cString: torii_signal_name(signal))))"
        }
    }
}

/// A process started by this one.
///
/// Safe from any thread. Signals go through a pidfd, so they never reach a stranger that got the
/// same process number. Somebody must call `waitForExit`, else the ended child stays as a zombie
/// until this process ends. The child lives on when the object goes away: it must watch its
/// socket's end, and may call `ParentDeath.arm`.
package final class ChildProcess: Sendable {
    /// The process number; its owner's while `waitForExit` has not returned.
    package let pid: Int32

    private let pidDescriptor: FileDescriptor
    private let status = Mutex<ExitStatus?>(nil)

    private init(pid: pid_t, pidDescriptor: consuming FileDescriptor) {
        self.pid = pid
        self.pidDescriptor = pidDescriptor
    }

    /// A descriptor that becomes readable when the process has ended; for an event loop.
    ///
    /// Borrowed.
    package var pidfd: Int32 { pidDescriptor.rawValue }

    /// Starts `executable` with a clean environment, signal mask and descriptor table.
    ///
    /// - Parameters:
    ///   - executable: A path; no search in PATH.
    ///   - programName: The name that ps(1) shows; `executable` by default.
    ///   - arguments: Without the program's name.
    ///   - environment: The whole environment of the child.
    ///   - inheriting: Descriptors of this process and the numbers they get in the child (0, 1 and
    ///     2 are inherited as they are unless named). All others are closed in the child.
    /// - Returns: The running child.
    /// - Throws: What posix_spawn reports, such as ENOENT or EACCES.
    package static func spawn(
        executable: String,
        programName: String? = nil,
        arguments: [String],
        environment: [String: String],
        inheriting: [(descriptor: Int32, as: Int32)] = []
    ) throws(SystemError) -> ChildProcess {
        // A copy far above every target, so that no mapping overwrites the source of a later one.
        var copies: [Int32] = []
        defer { for copy in copies { _ = close(copy) } }
        let lowest = (inheriting.map(\.as).max() ?? 0) + 1
        for mapping in inheriting {
            let copy = torii_duplicate_above(mapping.descriptor, max(lowest, 3))
            guard copy >= 0 else { throw .last("fcntl") }
            copies.append(copy)
        }
        var pid: pid_t = 0
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let code = unsafe withCStringArray([programName ?? executable] + arguments) {
            argumentVector in
            unsafe withCStringArray(variables) { environmentVector in
                // Safety: both vectors end in NULL and live through the call, and the two
                // descriptor arrays have the same count.
                unsafe torii_spawn(
                    executable,
                    argumentVector,
                    environmentVector,
                    copies,
                    inheriting.map(\.as),
                    copies.count,
                    &pid
                )
            }
        }
        guard code == 0 else {
            throw SystemError(call: "posix_spawn", code: code, path: executable)
        }
        let descriptor = torii_pidfd_open(pid)
        guard descriptor >= 0 else {
            let error = SystemError.last("pidfd_open")
            var ignored: Int32 = 0
            _ = kill(pid, SIGKILL)
            // Safety: `ignored` is writable for the length of the call.
            _ = unsafe torii_wait_exit(pid, &ignored)
            throw error
        }
        return ChildProcess(pid: pid, pidDescriptor: FileDescriptor(owning: descriptor))
    }

    /// Sends a signal; a process that has already ended is left alone.
    package func signal(_ number: Int32) {
        _ = torii_pidfd_send_signal(pidfd, number)
    }

    /// Waits until the process has ended, or for `timeout`; it is not reaped.
    ///
    /// - Returns: Whether it has ended.
    package func waitForEnd(timeout: Duration) -> Bool {
        let deadline = MonotonicInstant.now().advanced(by: timeout)
        var entry = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        while true {
            // Safety: one valid entry for the length of the call.
            let count = unsafe poll(&entry, 1, pollTimeout(until: deadline))
            if count >= 0 || errno != EINTR { return count > 0 }
        }
    }

    /// Blocks the calling thread until the process has ended, and reaps it.
    ///
    /// Further calls return the same status.
    package func waitForExit() -> ExitStatus {
        status.withLock { known in
            if let known { return known }
            var code: Int32 = 0
            // Safety: `code` is writable for the length of the call.
            let result = unsafe torii_wait_exit(pid, &code)
            precondition(result == 0, "only waitForExit reaps a child")
            let status: ExitStatus = code < 0 ? .signaled(-code) : .exited(code: code)
            known = status
            return status
        }
    }
}

/// What a child does about the death of its parent.
package enum ParentDeath {
    /// Asks the kernel to send this process SIGKILL when the thread that started it ends.
    ///
    /// Call it first thing in the child. Returns `false` when the parent is already gone: exit then.
    package static func arm(expectedParent: Int32) -> Bool {
        _ = torii_set_parent_death_signal(SIGKILL)
        return getppid() == expectedParent
    }
}

/// Calls `body` with a C array of the strings, ended by NULL; valid during the call.
private func withCStringArray<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    // Safety: strdup's copies are freed once after `body`, which must not keep them; the array
    // outlives the call.
    let copies: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) } + [nil]
    defer { unsafe copies.forEach { unsafe free($0) } }
    return unsafe copies.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("the array holds a NULL") }
        return unsafe body(base)
    }
}

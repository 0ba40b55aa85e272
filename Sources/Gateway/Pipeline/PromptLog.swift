import Glibc
import JSON
package import Platform
import Synchronization
package import Telemetry

/// The file that requests are written to, prompts and all, where the operator's configuration asks
/// for it: one line of JSON a request.
///
/// Safe from any thread; a lock is held while a line is written. The file is its owner's alone. When
/// it is full it becomes `PATH.1`, in place of what was that before, and a new one is begun: what is
/// kept is bounded.
package final class PromptLog: Sendable {
    private struct State: ~Copyable {
        var file: FileDescriptor
        var byteCount: Int
        var hasFailed = false
    }

    /// Where it is.
    package let path: String
    private let maximumByteCount: Int
    private let log: Log
    private let state: Mutex<State>

    /// Opens the file, and makes it if there is none.
    ///
    /// - Parameters:
    ///   - path: Where; its directory must be there.
    ///   - maximumByteCount: When it is full, in bytes: 256 MiB.
    ///   - log: Told, once, when the file cannot be written.
    /// - Throws: Why it cannot be opened.
    package init(
        path: String,
        maximumByteCount: Int = 256 << 20,
        log: Log
    ) throws(SystemError) {
        self.path = path
        self.maximumByteCount = maximumByteCount
        self.log = log
        let file = try Self.open(path)
        let end = lseek(file.rawValue, 0, SEEK_END)
        state = Mutex(State(file: file, byteCount: max(0, Int(end))))
    }

    /// Writes a line about a request.
    ///
    /// - Parameters:
    ///   - facts: What is known of it, such as its id and key.
    ///   - body: Its body; as a text where it is no JSON.
    func write(_ facts: JSONObject, body: [UInt8]) {
        var members: JSONObject = ["time": .string("\(Timestamp.now())")]
        for (name, value) in facts.members { members[name] = .some(value) }
        let text = JSONValue.string(String(decoding: body, as: UTF8.self))
        members["body"] = .some((try? JSONValue.parse(body)) ?? text)
        let line = JSONValue.object(members).serializedBytes() + [0x0a]
        let problem = state.withLock { state in
            do throws(SystemError) {
                if state.byteCount > 0, state.byteCount + line.count > maximumByteCount {
                    try begin(&state)
                }
                try state.file.writeAll(line, path: path)
                state.byteCount += line.count
                state.hasFailed = false
                return SystemError?.none
            } catch {
                defer { state.hasFailed = true }
                return state.hasFailed ? nil : error
            }
        }
        if let problem { log.error("prompts cannot be written", ("problem", problem)) }
    }

    /// Puts the full file away and begins a new one.
    private func begin(_ state: inout State) throws(SystemError) {
        // Safety: both strings outlive the call as NUL-terminated copies.
        guard unsafe rename(path, path + ".1") == 0 else { throw .last("rename", path: path) }
        state.file = try Self.open(path)
        state.byteCount = 0
    }

    private static func open(_ path: String) throws(SystemError) -> FileDescriptor {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        // Safety: the string outlives the call as a NUL-terminated copy.
        let file = try FileDescriptor(
            returnedBy: "open",
            unsafe Glibc.open(path, flags, 0o600),
            path: path
        )
        // Also where somebody has made it before, for all to read.
        guard fchmod(file.rawValue, 0o600) == 0 else { throw .last("fchmod", path: path) }
        return file
    }
}

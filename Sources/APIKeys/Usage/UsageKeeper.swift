import JSON
package import Platform
import Synchronization

/// The book of usage, kept in a file across restarts.
///
/// Safe from any thread. The file is written some seconds after something was used, by a thread that
/// ends with it, and by `save`: a crash loses the last seconds, never the file.
package final class UsageKeeper: Sendable {
    private struct State {
        var book = UsageBook()
        var isDirty = false
        var isSaving = false
    }

    /// The file; nil if nothing is kept.
    private let path: String?
    private let delay: Duration
    private let state = Mutex(State())
    private let wakeUp: WakeUp?
    private let onFailure: @Sendable (SystemError) -> Void

    /// The largest file that is read, in bytes.
    private static let maximumByteCount = 32 << 20

    /// Goes on with the book in the file, if there is one.
    ///
    /// - Parameters:
    ///   - path: The file; nothing is kept without one, or without its directory.
    ///   - delay: How long something used may be kept in memory only.
    ///   - onFailure: Told when the file cannot be written.
    /// - Throws: Why a file that is there cannot be read. It is not overwritten then.
    package init(
        path: String?,
        delay: Duration = .seconds(5),
        onFailure: @escaping @Sendable (SystemError) -> Void = { _ in }
    ) throws(SystemError) {
        self.path = path
        self.delay = delay
        self.onFailure = onFailure
        wakeUp = path == nil ? nil : try WakeUp()
        guard let path else { return }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.contents(of: path, maximumByteCount: Self.maximumByteCount)
        } catch {
            if error.isMissingFile { return }
            throw error
        }
        guard let json = try? JSONValue.parse(bytes), let book = UsageBook(json) else {
            throw SystemError(call: "read", code: SystemError.badMessageCode, path: path)
        }
        state.withLock { $0.book = book }
    }

    /// The book as it is now.
    package var book: UsageBook { state.withLock { $0.book } }

    /// Adds what a request has used.
    package func add(_ used: UsageBook.Counts, _ entry: UsageBook.Entry) {
        let begins = state.withLock { state in
            state.book.add(used, entry)
            state.isDirty = path != nil
            defer { state.isSaving = state.isDirty }
            return state.isDirty && !state.isSaving
        }
        guard begins else { return }
        do throws(SystemError) {
            _ = try DedicatedThread(name: "torii-usage") { [self] in
                wakeUp?.wait(until: .now().advanced(by: delay))
                state.withLock { $0.isSaving = false }
                save()
            }
        } catch {
            state.withLock { $0.isSaving = false }
            onFailure(error)
        }
    }

    /// Writes what has not been written yet; blocks for as long as the disk takes.
    package func save() {
        guard let path else { return }
        let book = state.withLock { state in
            defer { state.isDirty = false }
            return state.isDirty ? state.book : nil
        }
        guard let book else { return }
        do throws(SystemError) {
            let result = try DurableFile.locked(path) { () -> SystemError? in
                do throws(SystemError) {
                    try DurableFile.replace(path, with: book.json.serializedBytes())
                    return nil
                } catch {
                    return error
                }
            }
            if let result { throw result }
        } catch {
            // Without a directory nothing is meant to be kept.
            if error.isMissingFile { return }
            state.withLock { $0.isDirty = true }
            onFailure(error)
        }
    }
}

import Glibc
package import Platform
import Synchronization

/// The keys that are valid now, read again when their file has changed.
///
/// Safe from any thread. Whoever checks a key calls `refresh` before; it looks at the file at most
/// four times a second, which costs a microsecond, and no thread waits meanwhile.
package final class KeyRing: Sendable {
    private struct State {
        var plain: [APIKey]
        var stored: KeyTable.Stored?
        var table: KeyTable
        var fingerprint: KeyStore.Fingerprint?
        var lastLook: MonotonicInstant?
    }

    /// What a look at the file has found.
    package enum Refreshment: Sendable, Hashable {
        case unchanged
        /// It was read; these keys are no longer valid, or allow something else.
        case changed(gone: [APIKey])
        /// It has changed and cannot be used: the keys stay as they were.
        case failed(KeyStoreError)
    }

    /// The file of stored keys; nil where there is no place for one.
    package let store: KeyStore?
    private let state: Mutex<State>

    private static let interval = Duration.milliseconds(250)
    /// When a file that could not be read is tried again.
    private static let retryInterval = Duration.seconds(1)

    /// The keys of the operator's file, and those of a store.
    ///
    /// - Throws: Why the store cannot be used; nothing may be served without keys then.
    package init(plain: [APIKey] = [], store: KeyStore) throws(KeyStoreError) {
        self.store = store
        let fingerprint = store.fingerprint
        let stored = try store.load()
        state = Mutex(
            State(
                plain: plain,
                stored: stored,
                table: KeyTable(plain: plain, stored: stored),
                fingerprint: fingerprint
            )
        )
    }

    /// A ring without a store, and without keys for now.
    package init() {
        store = nil
        state = Mutex(State(plain: [], stored: nil, table: KeyTable(plain: [], stored: nil)))
    }

    /// The keys as they are now.
    package var table: KeyTable { state.withLock { $0.table } }

    /// Takes other keys of the operator's file in place of those it had.
    package func use(plain: [APIKey]) {
        state.withLock { state in
            state.plain = plain
            state.table = KeyTable(plain: plain, stored: state.stored)
        }
    }

    /// Reads the store again if it has changed since the last look.
    ///
    /// - Parameters:
    ///   - now: The time of the call.
    ///   - atOnce: Whether to look however short the last look is ago.
    /// - Returns: What there was to see.
    package func refresh(now: MonotonicInstant, atOnce: Bool = false) -> Refreshment {
        guard let store else { return .unchanged }
        return state.withLock { state in
            if !atOnce, let last = state.lastLook, now < last.advanced(by: Self.interval) {
                return .unchanged
            }
            state.lastLook = now
            let fingerprint = store.fingerprint
            guard fingerprint != state.fingerprint else { return .unchanged }
            let seen = state.fingerprint
            state.fingerprint = fingerprint
            guard fingerprint != nil else {
                // Deleted, or its disk is gone: nobody gets in for that.
                let error = SystemError(call: "stat", code: ENOENT, path: store.path)
                return .failed(.system(error))
            }
            do throws(KeyStoreError) {
                let stored = try store.load()
                let before = state.stored?.keys ?? []
                let after = Set(stored?.keys ?? [])
                state.stored = stored
                state.table = KeyTable(plain: state.plain, stored: stored)
                return .changed(gone: before.filter { !after.contains($0) })
            } catch {
                if case .system = error {
                    // The file may be well and the disk was not, or descriptors had run out: without
                    // another look a revoked key would be good for ever.
                    state.fingerprint = seen
                    state.lastLook = now.advanced(by: Self.retryInterval)
                }
                return .failed(error)
            }
        }
    }
}

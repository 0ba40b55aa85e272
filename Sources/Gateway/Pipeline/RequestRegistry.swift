import ModelService
import Platform
import Synchronization
import WorkerProtocol

/// The generation requests under way, for operators who look at them and end them.
///
/// Safe from any thread; holds a lock for a few loads. Bounded in bytes here, in number by the
/// server's connections.
final class RequestRegistry: Sendable {
    /// One request.
    struct Entry: Sendable {
        /// The request's `x-request-id`; clients choose it, so two may be the same.
        let id: String
        /// The model as the client wrote it.
        let model: String
        let account: GenerationAccount
        let arrival: MonotonicInstant
        /// Bytes of the request's body, which stays in memory as long as the request does.
        let byteCount: Int
        let monitor: GenerationMonitor
    }

    private struct State {
        var lastNumber = 0
        var entries: [Int: Entry] = [:]
        var cancelled: Set<Int> = []
        var byteCount = 0
    }

    private let state = Mutex(State())
    private let maximumByteCount: Int

    /// An empty list of requests whose bodies may have that many bytes together.
    init(maximumByteCount: Int) {
        self.maximumByteCount = maximumByteCount
    }

    /// Lists a request as long as the registration lives; nil when there is no room for its body.
    func register(_ entry: Entry) -> RequestRegistration? {
        let number: Int? = state.withLock { state in
            let byteCount = state.byteCount + entry.byteCount
            guard byteCount <= maximumByteCount || state.entries.isEmpty else { return nil }
            state.byteCount = byteCount
            state.lastNumber += 1
            state.entries[state.lastNumber] = entry
            return state.lastNumber
        }
        return number.map { RequestRegistration(registry: self, number: $0) }
    }

    /// Every request, the oldest first.
    var entries: [Entry] {
        state.withLock { state in state.entries.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// Ends the requests of that id; false when there is none.
    func cancel(id: String) -> Bool { cancel { $0.id == id } > 0 }

    /// Ends the requests of that key, and says how many there were.
    func cancel(key: String) -> Int { cancel { $0.account.key == key } }

    private func cancel(where isMeant: (Entry) -> Bool) -> Int {
        let found = state.withLock { state in
            let found = state.entries.filter { isMeant($0.value) }
            state.cancelled.formUnion(found.keys)
            return found.values.map(\.monitor)
        }
        for monitor in found { monitor.cancel() }
        return found.count
    }

    fileprivate func isCancelled(_ number: Int) -> Bool {
        state.withLock { $0.cancelled.contains(number) }
    }

    fileprivate func remove(_ number: Int) {
        state.withLock { state in
            state.byteCount -= state.entries.removeValue(forKey: number)?.byteCount ?? 0
            state.cancelled.remove(number)
        }
    }
}

/// A request's place in the list of requests, which ends with it.
final class RequestRegistration: Sendable {
    private let registry: RequestRegistry
    private let number: Int

    fileprivate init(registry: RequestRegistry, number: Int) {
        self.registry = registry
        self.number = number
    }

    /// Whether an operator has ended the request.
    var isCancelled: Bool { registry.isCancelled(number) }

    deinit { registry.remove(number) }
}

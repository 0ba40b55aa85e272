import ModelService
import Platform
import Synchronization
import WorkerProtocol

/// The generation requests under way, for operators who look at them and end them.
///
/// Safe from any thread; holds a lock for a few loads. As long as the list of connections is.
final class RequestRegistry: Sendable {
    /// One request.
    struct Entry: Sendable {
        /// The request's `x-request-id`; clients choose it, so two may be the same.
        let id: String
        /// The model as the client wrote it.
        let model: String
        let account: GenerationAccount
        let arrival: MonotonicInstant
        let monitor: GenerationMonitor
    }

    private struct State {
        var lastNumber = 0
        var entries: [Int: Entry] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    /// Lists a request as long as the registration lives.
    func register(_ entry: Entry) -> RequestRegistration {
        let number = state.withLock { state in
            state.lastNumber += 1
            state.entries[state.lastNumber] = entry
            return state.lastNumber
        }
        return RequestRegistration(registry: self, number: number)
    }

    /// Every request, the oldest first.
    var entries: [Entry] {
        state.withLock { state in state.entries.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// Ends the requests of that id; false when there is none.
    func cancel(id: String) -> Bool {
        let found = state.withLock { state in
            let found = state.entries.filter { $0.value.id == id }
            state.cancelled.formUnion(found.keys)
            return found.values.map(\.monitor)
        }
        for monitor in found { monitor.cancel() }
        return !found.isEmpty
    }

    fileprivate func isCancelled(_ number: Int) -> Bool {
        state.withLock { $0.cancelled.contains(number) }
    }

    fileprivate func remove(_ number: Int) {
        state.withLock { state in
            state.entries[number] = nil
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

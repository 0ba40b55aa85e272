import Synchronization

/// Something that happened to a model or to the service, for operators who watch.
package struct ModelEvent: Sendable, Hashable {
    /// What happened.
    package enum Kind: Sendable, Hashable {
        /// The model entered a state.
        case state(ModelStatus.State)
        /// So much of it is loaded, 0...1.
        case progress(Double)
        /// The model has to go, and why.
        case eviction(reason: String)
        /// The process that held it ended, and why.
        case workerExit(reason: String)
        /// The configuration was read again; what changed, in words.
        case reload(summary: String)
    }

    /// When, in seconds since 1970.
    package let time: Int
    /// The model's id; nil if it is about the service.
    package let model: String?
    /// What happened.
    package let kind: Kind
}

/// Hands events to everybody who watches.
///
/// Safe from any thread. A watcher who falls behind loses the oldest events, never holds anybody up.
final class ModelEventHub: Sendable {
    private struct State {
        var lastID = 0
        var watchers: [Int: AsyncStream<ModelEvent>.Continuation] = [:]
    }

    private let state = Mutex(State())
    private static let backlog = 256

    /// The events from now on; nil if too many watch already.
    func watch(limit: Int) -> AsyncStream<ModelEvent>? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ModelEvent.self,
            bufferingPolicy: .bufferingNewest(Self.backlog)
        )
        let id = state.withLock { state in
            guard state.watchers.count < limit else { return nil as Int? }
            state.lastID += 1
            state.watchers[state.lastID] = continuation
            return state.lastID
        }
        guard let id else { return nil }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.watchers.removeValue(forKey: id) }
        }
        return stream
    }

    func send(_ event: ModelEvent) {
        let watchers = state.withLock { Array($0.watchers.values) }
        for watcher in watchers { watcher.yield(event) }
    }

    /// Ends every watcher's stream.
    func finish() {
        let watchers = state.withLock { Array($0.watchers.values) }
        for watcher in watchers { watcher.finish() }
    }
}

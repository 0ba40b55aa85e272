import Synchronization

/// Ends the generations of a stream when nobody holds the stream any more.
final class GenerationOwner: Sendable {
    let exchange: GenerationExchange
    private let lease: Task<Void, Never>?
    private let ticker = Mutex<Task<Void, Never>?>(nil)

    init(_ exchange: GenerationExchange, lease: Task<Void, Never>?) {
        self.exchange = exchange
        self.lease = lease
    }

    func tick(first: Duration, every interval: Duration) {
        let task = Task { [exchange] in
            try? await Task.sleep(for: first)
            var isFirst = true
            while !Task.isCancelled {
                exchange.tick(isFirst: isFirst)
                isFirst = false
                try? await Task.sleep(for: interval)
            }
        }
        let previous = ticker.withLock { ticker in
            defer { ticker = task }
            return ticker
        }
        previous?.cancel()
    }

    func cancel() {
        ticker.withLock { $0.take() }?.cancel()
        lease?.cancel()
        exchange.cancel()
    }

    deinit { cancel() }
}

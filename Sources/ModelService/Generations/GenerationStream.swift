package import WorkerProtocol

/// What happens to the generations of one request, from the wait for the model to the last event.
///
/// One task reads it. Cancelling that task, leaving the loop early and dropping the stream all
/// cancel the generations, also while the model still loads. The events of several choices come
/// interleaved, each choice's in its own order; the stream ends after the last choice's last event.
package struct GenerationStream: AsyncSequence, Sendable {
    /// One thing that happened.
    package enum Element: Sendable, Hashable {
        /// The model is being loaded, to this fraction of 0...1; comes when it changes by a
        /// percent.
        case loading(fraction: Double)
        /// The model is resident and the generations are submitted. Comes once, before any event.
        case leased(ModelFacts, waited: Duration)
        /// An event of the choice of this number.
        case event(choice: Int, GenerationEvent)
        /// Nothing happened for a while; see `tick(first:every:)`.
        case idle
    }

    /// Why there were no generations at all.
    package typealias Failure = ModelServiceError

    private let owner: GenerationOwner

    init(_ exchange: GenerationExchange, lease: Task<Void, Never>?) {
        owner = GenerationOwner(exchange, lease: lease)
    }

    /// Lets the stream yield `.idle` once after `first`, if its reader waits then, and later after
    /// every `interval` in which nothing arrived.
    package func tick(first: Duration, every interval: Duration) {
        owner.tick(first: first, every: interval)
    }

    /// A look at the generations from elsewhere.
    package var monitor: GenerationMonitor { GenerationMonitor(owner.exchange) }

    /// Cancels what has not ended.
    package func cancel() { owner.cancel() }

    package func makeAsyncIterator() -> Iterator { Iterator(owner: owner) }

    /// Reads the stream.
    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let owner: GenerationOwner

        package mutating func next() async throws(ModelServiceError) -> Element? {
            try await next(isolation: nil)
        }

        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ModelServiceError) -> Element? {
            switch await owner.exchange.next() {
            case .element(let element): return element
            case .error(let error): throw error
            case .end: return nil
            }
        }
    }
}

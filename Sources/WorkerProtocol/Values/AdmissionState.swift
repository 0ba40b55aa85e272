/// How full the queue is for one key: what `x-ratelimit-*` and `Retry-After` are made from.
///
/// A request counts from its submission to its last event, with its prompt's tokens.
package struct AdmissionState: Sendable, Hashable {
    /// Requests that the key may have under way.
    package var requestLimit: Int
    /// How many more it could submit now.
    package var remainingRequestCount: Int
    /// Prompt tokens that the key may have under way.
    package var tokenLimit: Int
    /// How many more it could submit now.
    package var remainingTokenCount: Int
    /// When everything that is under way now will have been computed, at the measured speed.
    package var drainDuration: Duration

    /// Makes a value.
    package init(
        requestLimit: Int,
        remainingRequestCount: Int,
        tokenLimit: Int,
        remainingTokenCount: Int,
        drainDuration: Duration
    ) {
        self.requestLimit = requestLimit
        self.remainingRequestCount = remainingRequestCount
        self.tokenLimit = tokenLimit
        self.remainingTokenCount = remainingTokenCount
        self.drainDuration = drainDuration
    }

    /// The state where nobody has counted: no room, and a second until the next look.
    package static let unmeasured = AdmissionState(
        requestLimit: 0,
        remainingRequestCount: 0,
        tokenLimit: 0,
        remainingTokenCount: 0,
        drainDuration: .seconds(1)
    )
}

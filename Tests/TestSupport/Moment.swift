import Dispatch

/// A moment's rest between two looks at a state that announces no change.
///
/// Spinning instead would take the processors from what is waited for. A test waits for a condition,
/// never for a time.
package enum Moment {
    /// Suspends the task for a millisecond or two.
    ///
    /// - Throws: `CancellationError` once the test's time limit has passed: what it waits for may never
    ///   come.
    package static func pass() async throws {
        try Task.checkCancellation()
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(1)) {
                continuation.resume()
            }
        }
    }
}

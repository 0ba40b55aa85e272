import Dispatch

/// A moment's rest between two looks at a state that announces no change.
///
/// Spinning instead would take the processors from what is waited for. A test waits for a condition,
/// never for a time.
package enum Moment {
    /// Suspends the task for a millisecond or two.
    package static func pass() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(1)) {
                continuation.resume()
            }
        }
    }
}

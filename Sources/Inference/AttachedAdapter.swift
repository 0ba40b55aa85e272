package import Transformers

/// An adapter that requests can ask for.
///
/// Its memory lives until it is detached and the last request that uses it has ended: whoever holds a
/// reference uses it. Immutable; safe from any thread.
package final class AttachedAdapter: Sendable {
    /// Tells it from every other adapter of the process, also from one of the same name later; not 0.
    package let number: UInt64
    let adapter: Adapter
    private let onEnd: @Sendable () -> Void

    /// An adapter with a number of its own.
    ///
    /// - Parameters:
    ///   - adapter: Made for the model whose engine will use it.
    ///   - number: Never given to another.
    ///   - onEnd: Called on any thread when nobody uses it any more, right before its memory goes.
    package init(_ adapter: Adapter, number: UInt64, onEnd: @escaping @Sendable () -> Void = {}) {
        precondition(number != 0, "0 stands for the model itself")
        self.adapter = adapter
        self.number = number
        self.onEnd = onEnd
    }

    deinit { onEnd() }
}

import CKernels

/// What the threads of a program's runs spent their time on, all threads together.
///
/// What is missing of a run's time they waited for each other.
package struct StepTimes: Sendable, Equatable {
    /// Products with matrices, those of adapters too.
    package var products: Duration
    /// Attention over keys and values.
    package var attention: Duration
    /// Norms, rounding of rows, rotations, activations, sums.
    package var rest: Duration

    /// No time at all.
    package static let zero = StepTimes(products: .zero, attention: .zero, rest: .zero)

    /// So much of each.
    package init(products: Duration, attention: Duration, rest: Duration) {
        self.products = products
        self.attention = attention
        self.rest = rest
    }

    init(_ times: torii_thread_times) {
        // In the order of torii_time.
        let (products, attention, rest) = times.nanoseconds
        self.init(
            products: .nanoseconds(products),
            attention: .nanoseconds(attention),
            rest: .nanoseconds(rest)
        )
    }

    /// Both together.
    package static func + (left: Self, right: Self) -> Self {
        Self(
            products: left.products + right.products,
            attention: left.attention + right.attention,
            rest: left.rest + right.rest
        )
    }
}

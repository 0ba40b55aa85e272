import JSON
import Kernels

/// What the threads of a measurement did, in shares of its time.
struct TimeShares: Sendable, Equatable {
    /// Products with matrices.
    let products: Double
    /// Attention over keys and values.
    let attention: Double
    /// Norms, rounding of rows, rotations, activations, sums.
    let rest: Double
    /// Threads waited for each other, or for the next pass while tokens were chosen.
    var waiting: Double { max(0, 1 - products - attention - rest) }

    /// - Parameters:
    ///   - times: What the threads spent, all together.
    ///   - seconds: How long it took, above 0.
    ///   - threadCount: How many threads there were.
    init(_ times: StepTimes, seconds: Double, threadCount: Int) {
        func share(_ time: Duration) -> Double { time / .seconds(seconds) / Double(threadCount) }
        products = share(times.products)
        attention = share(times.attention)
        rest = share(times.rest)
    }

    var json: JSONValue {
        [
            "products": .double(products), "attention": .double(attention), "rest": .double(rest),
            "waiting": .double(waiting),
        ]
    }

    /// The shares in percent, as cells of a table.
    var cells: [String] {
        [products, attention, rest, waiting].map { Quantity.decimal($0 * 100, 0) + " %" }
    }
}

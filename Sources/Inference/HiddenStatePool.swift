import Transformers

/// Makes one vector of the hidden states of a text's tokens, which come in order, some in each step.
///
/// Pure. Sums run in the order of the tokens, so the vector does not depend on how the text was cut
/// into steps, nor on what was beside it.
struct HiddenStatePool: Sendable {
    private let pooling: Pooling
    private let isEncoder: Bool
    private var sum: [Float] = []
    private var count = 0

    init(_ configuration: EmbeddingConfiguration) {
        pooling = configuration.pooling
        isEncoder = configuration.isEncoder
    }

    /// Which hidden states are wanted of a step's tokens.
    ///
    /// - Parameters:
    ///   - isStart: Whether the text begins with these tokens.
    ///   - isEnd: Whether it ends with them.
    /// - Returns: What the batch shall give.
    func selection(isStart: Bool, isEnd: Bool) -> ForwardBatch.LogitSelection {
        switch pooling {
        case .mean: .all
        case .cls: isStart ? .first : .none
        case .rank where isEncoder: isStart ? .first : .none
        case .last, .rank: isEnd ? .last : .none
        }
    }

    /// Forgets what was added.
    mutating func removeAll() {
        sum = []
        count = 0
    }

    /// Takes the next hidden state that was selected, `[E]`.
    mutating func add(_ state: UnsafeBufferPointer<Float>) {
        count += 1
        guard !sum.isEmpty else {
            // Safety: the caller lends the row for the call.
            sum = unsafe Array(state)
            return
        }
        precondition(sum.count == state.count, "hidden states have one length")
        // Safety: both have the length that was compared.
        unsafe sum.withUnsafeMutableBufferPointer { sum in
            for index in 0..<state.count { unsafe sum[index] += state[index] }
        }
    }

    /// The vector of all that was added, not normalised; empty if nothing was.
    var vector: [Float] {
        guard pooling == .mean, count > 1 else { return sum }
        let scale = 1 / Float(count)
        return sum.map { $0 * scale }
    }

    /// A vector of length 1 in the direction of `vector`; one of zeros stays one.
    ///
    /// - Returns: nil if a component is not a finite number.
    static func normalised(_ vector: [Float]) -> [Float]? {
        let square = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
        guard square.isFinite else { return nil }
        guard square > 0 else { return vector }
        let scale = 1 / square.squareRoot()
        return vector.map { Float(Double($0) * scale) }
    }
}

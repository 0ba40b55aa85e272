package import Transformers

/// What the engine needs of a model: the logits of a batch's rows.
///
/// The seam between the engine loop and the kernels; tests put a table of logits behind it.
/// Confined to the engine thread. A row's logits depend on its sequence's tokens alone.
package protocol ForwardPass: AnyObject {
    /// V: logits of a row.
    var vocabularySize: Int { get }

    /// Copies the keys and values of a block over those of another.
    func copyBlock(from source: Int32, to target: Int32)

    /// Gives the memory of blocks that nobody needs back to the system; their content is lost.
    func releaseMemory(ofBlocks range: Range<Int>)

    /// Computes a batch of at most `Transformer.maximumBatchTokenCount` tokens, and parts of others.
    func forward(_ batch: ForwardBatch)

    /// The most threads that ``onThreads(_:)`` uses.
    var threadCount: Int { get }

    /// Calls `body` on the threads of the last forward pass, on each with its number and how many
    /// they are, and returns when all calls have.
    func onThreads(_ body: @Sendable (_ thread: Int, _ threadCount: Int) -> Void)

    /// The logits of the last batch's output row, `[V]`, valid until the next `forward`; of a model
    /// that generates.
    func logits(row: Int) -> UnsafeBufferPointer<Float>

    /// The hidden state of the last batch's output row, `[E]`, valid until the next `forward`, if it
    /// comes from a part as long as nobody else uses the entry's blocks; of a model that makes
    /// vectors.
    func hiddenState(row: Int) -> UnsafeBufferPointer<Float>

    /// What stands behind the pooling, such as a classification head.
    ///
    /// - Parameter vector: The pooled hidden states of one text, `[E]`.
    /// - Returns: Its vector before it is normalised, or a score before the logistic function.
    func applyHead(to vector: [Float]) -> [Float]
}

package import KVCache
package import Transformers

/// A loaded model together with its keys and values.
///
/// Confined to the engine thread.
package final class TransformerPass: ForwardPass {
    private let transformer: Transformer
    private let storage: KVStorage

    /// Joins a model with storage made for it.
    package init(transformer: Transformer, storage: KVStorage) {
        self.transformer = transformer
        self.storage = storage
    }

    package var vocabularySize: Int { transformer.configuration.vocabularySize }

    package func copyBlock(from source: Int32, to target: Int32) {
        storage.copyBlock(from: source, to: target)
    }

    package func releaseMemory(ofBlocks range: Range<Int>) {
        storage.releaseMemory(ofBlocks: range)
    }

    package func hiddenState(row: Int) -> UnsafeBufferPointer<Float> {
        // Safety: the transformer's buffer outlives the step; see the protocol.
        unsafe transformer.hiddenState(row: row)
    }

    package func applyHead(to vector: [Float]) -> [Float] { transformer.applyHead(to: vector) }

    package func forward(_ batch: ForwardBatch) {
        transformer.forward(batch, cache: storage)
    }

    package var threadCount: Int { transformer.threadCount }

    package func onThreads(_ body: @Sendable (_ thread: Int, _ threadCount: Int) -> Void) {
        transformer.onThreads(body)
    }

    package func logits(row: Int) -> UnsafeBufferPointer<Float> {
        // Safety: the transformer's buffer outlives the step; see the protocol.
        unsafe UnsafeBufferPointer(transformer.logits(row: row))
    }
}

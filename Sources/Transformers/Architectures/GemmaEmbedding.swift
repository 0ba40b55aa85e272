import Kernels

/// EmbeddingGemma: Gemma 3 whose tokens see each other, windowed layers half a window to each side, and
/// two products behind the pooling.
enum GemmaEmbedding: Architecture {
    static let name = "gemma-embedding"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare)
        var plan = try Gemma3.plan(blocks)
        for index in plan.layers.indices {
            let visibility = plan.layers[index].attention.visibility
            plan.layers[index].attention.visibility =
                visibility == .causal ? .everything : .within((visibility.before + 1) / 2)
        }
        plan.configuration.isEncoder = true
        plan.head = nil
        let width = plan.configuration.embeddingLength
        plan.pooledHead = try PooledHead.Tensors(projectionsOf: file, width: width)
        return plan
    }
}

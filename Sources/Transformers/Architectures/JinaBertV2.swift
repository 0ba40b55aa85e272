import Kernels

/// Jina's BERT (jina-embeddings-v2, jina-reranker-v1): distance costs instead of positions, and a gated
/// feed-forward; the models for code have norms over all query and all key heads.
enum JinaBertV2: Architecture {
    static let name = "jina-bert-v2"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .layer)
        let configuration = blocks.configuration
        var plan = try blocks.encoderPlan()
        for layer in blocks.layers {
            let prefix = "blk.\(layer)."
            var attention = try blocks.encoderAttention(layer: layer)
            attention.rotary = nil
            attention.slopes = blocks.distanceCosts()
            attention.queryNorm = try blocks.optionalNorm(
                "\(prefix)attn_q_norm",
                width: configuration.queryWidth
            ).map { .together($0) }
            attention.keyNorm = try blocks.optionalNorm(
                "\(prefix)attn_k_norm",
                width: configuration.keyWidth
            ).map { .together($0) }
            let feedForward = try blocks.gatedFeedForward(layer: layer, activation: .gelu)
            plan.layers.append(try blocks.encoderLayer(layer, attention, feedForward))
        }
        return plan
    }
}

import Tensors

/// An encoder of BERT's shape of some hundred kilobytes with random weights, and `TinyVocabulary`.
///
/// Its vectors mean nothing, and are the same on every machine.
package struct TinyEncoder: Sendable {
    /// The type of the weight matrices.
    package var type = TensorType.f32
    /// The same seed gives the same weights.
    package var seed: UInt64 = 1
    /// 3 heads of 32.
    package var embeddingLength = 96
    /// Not a multiple of the embedding length.
    package var feedForwardLength = 160
    /// The number of layers.
    package var layerCount = 3
    /// Positions that were trained.
    package var contextLength = 600
    /// `bert.pooling_type`; nil writes none.
    package var poolingType: UInt32? = 1
    /// Whether there is a head that scores.
    package var hasHead = false

    /// A small encoder.
    package init() {}

    /// The file, still open for changes.
    package func writer() -> GGUFWriter {
        var writer = GGUFWriter()
        writer.set("general.architecture", .string("bert"))
        writer.set("general.name", .string("Tiny encoder"))
        let sizes = [
            ("block_count", layerCount), ("context_length", contextLength),
            ("embedding_length", embeddingLength), ("feed_forward_length", feedForwardLength),
            ("attention.head_count", embeddingLength / 32),
        ]
        for (key, value) in sizes { writer.set("bert.\(key)", .uint32(UInt32(value))) }
        writer.set("bert.attention.layer_norm_epsilon", .float32(1e-3))
        if let poolingType { writer.set("bert.pooling_type", .uint32(poolingType)) }
        TinyVocabulary.addMetadata(to: &writer)
        writer.tensors = tensors()
        return writer
    }

    private func tensors() -> [GGUFWriter.Tensor] {
        var random = SeededGenerator(seed: seed)
        var tensors: [GGUFWriter.Tensor] = []
        func add(_ name: String, _ dimensions: [Int], _ type: TensorType, _ deviation: Float) {
            let bytes = RandomBlocks.bytes(
                type: type,
                rowCount: dimensions.dropFirst().reduce(1, *),
                columnCount: dimensions[0],
                deviation: deviation,
                using: &random
            )
            tensors.append(
                GGUFWriter.Tensor(name: name, type: type, dimensions: dimensions, bytes: bytes)
            )
        }
        func weight(_ name: String, _ columns: Int, _ rows: Int) {
            // Wide enough that attention and activations are far from linear.
            add("\(name).weight", [columns, rows], type, 2 / Float(columns).squareRoot())
            add("\(name).bias", [rows], .f32, 0.3)
        }
        func norm(_ name: String) {
            add("\(name).weight", [embeddingLength], .f32, 1)
            add("\(name).bias", [embeddingLength], .f32, 0.3)
        }
        let width = embeddingLength
        add("token_embd.weight", [width, TinyVocabulary.tokens.count], type, 1)
        add("position_embd.weight", [width, contextLength], .f32, 1)
        add("token_types.weight", [width, 2], .f32, 1)
        norm("token_embd_norm")
        for layer in 0..<layerCount {
            let prefix = "blk.\(layer)."
            for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
                weight(prefix + name, width, width)
            }
            norm(prefix + "attn_output_norm")
            weight(prefix + "ffn_up", width, feedForwardLength)
            weight(prefix + "ffn_down", feedForwardLength, width)
            norm(prefix + "layer_output_norm")
        }
        if hasHead {
            weight("cls", width, width)
            weight("cls.output", width, 1)
        }
        return tensors
    }
}

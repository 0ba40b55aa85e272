import ModelFiles

/// The tensors of an encoder of BERT's shape: norms behind each branch, biases everywhere.
struct EncoderTensors {
    /// A layer norm's weights and bias.
    struct Norm {
        var weight: GGUFTensor
        var bias: GGUFTensor?
    }

    struct Layer {
        var query: DecoderTensors.Weight
        var key: DecoderTensors.Weight
        var value: DecoderTensors.Weight
        var attentionOutput: DecoderTensors.Weight
        var attentionNorm: Norm
        var up: DecoderTensors.Weight
        var down: DecoderTensors.Weight
        var outputNorm: Norm

        var weights: [DecoderTensors.Weight] { [query, key, value, attentionOutput, up, down] }
    }

    var embedding: GGUFTensor
    /// A row for each position.
    var positions: GGUFTensor
    /// A row for each kind of text; every text is of the first kind.
    var types: GGUFTensor?
    var embeddingNorm: Norm
    var layers: [Layer] = []
    /// What scores a pooled vector, of a reranker.
    var head: PooledHead.Tensors?

    /// Binds every tensor of the file; an unknown one is an error.
    init(file: GGUFFile, configuration: ModelConfiguration) throws(ModelError) {
        var binder = TensorBinder(file: file)
        let width = configuration.embeddingLength
        embedding = try binder.required(
            "token_embd.weight",
            dimensions: [width, configuration.vocabularySize]
        )
        positions = try binder.required(
            "position_embd.weight",
            dimensions: [width, configuration.contextLength]
        )
        if let table = file.tensor("token_types.weight"), table.dimensions.count == 2 {
            types = try binder.optional(
                "token_types.weight",
                dimensions: [width, table.dimensions[1]]
            )
        }
        embeddingNorm = try Norm("token_embd_norm", width: width, &binder)
        for index in 0..<configuration.layerCount {
            layers.append(try Layer(index: index, configuration: configuration, binder: &binder))
        }
        head = try PooledHead.Tensors(width: width, binder: &binder)
        try binder.checkNothingIsLeft(architecture: configuration.architecture.rawValue)
    }

    var matrices: [GGUFTensor] {
        [embedding, positions] + layers.flatMap { $0.weights.map(\.matrix) }
    }

    /// What is kept as floats: norms, biases, the kinds of text and the head.
    var floats: [GGUFTensor] { vectors + [types].compactMap { $0 } + (head?.all ?? []) }

    private var vectors: [GGUFTensor] {
        let norms = [embeddingNorm] + layers.flatMap { [$0.attentionNorm, $0.outputNorm] }
        return norms.flatMap { [$0.weight] + ($0.bias.map { [$0] } ?? []) }
            + layers.flatMap { $0.weights.compactMap(\.bias) }
    }

    /// Bytes of all tensors in the file.
    var byteCount: Int {
        (matrices + floats).reduce(0) { $0 + $1.byteCount }
    }
}

extension EncoderTensors.Norm {
    init(_ name: String, width: Int, _ binder: inout TensorBinder) throws(ModelError) {
        weight = try binder.required("\(name).weight", dimensions: [width])
        bias = try binder.optional("\(name).bias", dimensions: [width])
    }
}

extension EncoderTensors.Layer {
    fileprivate init(
        index: Int,
        configuration: ModelConfiguration,
        binder: inout TensorBinder
    ) throws(ModelError) {
        let width = configuration.embeddingLength
        let inner = configuration.feedForwardLength
        let prefix = "blk.\(index)."

        func weight(
            _ name: String,
            _ columns: Int,
            _ rows: Int
        ) throws(ModelError) -> DecoderTensors.Weight {
            DecoderTensors.Weight(
                matrix: try binder.required(
                    "\(prefix)\(name).weight",
                    dimensions: [columns, rows]
                ),
                bias: try binder.optional("\(prefix)\(name).bias", dimensions: [rows])
            )
        }

        query = try weight("attn_q", width, width)
        key = try weight("attn_k", width, width)
        value = try weight("attn_v", width, width)
        attentionOutput = try weight("attn_output", width, width)
        attentionNorm = try EncoderTensors.Norm("\(prefix)attn_output_norm", width: width, &binder)
        up = try weight("ffn_up", width, inner)
        down = try weight("ffn_down", inner, width)
        outputNorm = try EncoderTensors.Norm("\(prefix)layer_output_norm", width: width, &binder)
    }
}

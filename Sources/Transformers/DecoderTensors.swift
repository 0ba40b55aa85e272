import ModelFiles

/// The tensors of a llama-shaped decoder: RMS norms, grouped-query attention, SwiGLU.
struct DecoderTensors {
    /// A matrix and its bias.
    struct Weight {
        var matrix: GGUFTensor
        var bias: GGUFTensor?
        /// The rows are a head's dimensions in neighbouring pairs, to be put in halves.
        var pairsNeighbours = false
    }

    struct Layer {
        var attentionNorm: GGUFTensor
        var query: Weight
        var key: Weight
        var value: Weight
        var attentionOutput: Weight
        var feedForwardNorm: GGUFTensor
        var gate: Weight
        var up: Weight
        var down: Weight
    }

    var embedding: GGUFTensor
    var layers: [Layer]
    var outputNorm: GGUFTensor
    /// Nil: tied to the embedding.
    var output: GGUFTensor?
    /// One divisor of the angle per pair of rotated dimensions.
    var rotaryFactors: GGUFTensor?

    /// Binds every tensor of the file; an unknown one is an error.
    init(file: GGUFFile, configuration: ModelConfiguration) throws(ModelError) {
        var binder = TensorBinder(file: file)
        let width = configuration.embeddingLength
        let table = [width, configuration.vocabularySize]
        embedding = try binder.required("token_embd.weight", dimensions: table)
        outputNorm = try binder.required("output_norm.weight", dimensions: [width])
        output = try binder.optional("output.weight", dimensions: table)
        rotaryFactors = try binder.optional(
            "rope_freqs.weight",
            dimensions: [configuration.rotary.dimensionCount / 2]
        )
        layers = []
        for index in 0..<configuration.layerCount {
            layers.append(try Layer(index: index, configuration: configuration, binder: &binder))
        }
        try binder.checkNothingIsLeft(architecture: configuration.architecture.rawValue)
    }

    /// Bytes of all tensors in the file.
    var byteCount: Int {
        var tensors = [embedding, outputNorm]
        tensors += [output, rotaryFactors].compactMap(\.self)
        for layer in layers {
            tensors += [layer.attentionNorm, layer.feedForwardNorm]
            for weight in layer.weights {
                tensors.append(weight.matrix)
                if let bias = weight.bias { tensors.append(bias) }
            }
        }
        return tensors.reduce(0) { $0 + $1.byteCount }
    }
}

extension DecoderTensors.Layer {
    var weights: [DecoderTensors.Weight] {
        [query, key, value, attentionOutput, gate, up, down]
    }

    fileprivate init(
        index: Int,
        configuration: ModelConfiguration,
        binder: inout TensorBinder
    ) throws(ModelError) {
        let width = configuration.embeddingLength
        let queries = configuration.headCount * configuration.headDimension
        let keys = configuration.keyValueHeadCount * configuration.headDimension
        let inner = configuration.feedForwardLength
        let pairs = configuration.rotary.pairsNeighbours
        // Qwen2's query, key and value always have biases; a file without them is damaged.
        let needsBias = configuration.architecture == .qwen2
        let prefix = "blk.\(index)."

        func weight(
            _ name: String,
            _ columns: Int,
            _ rows: Int,
            needsBias: Bool = false,
            pairsNeighbours: Bool = false
        ) throws(ModelError) -> DecoderTensors.Weight {
            let bias = "\(prefix)\(name).bias"
            return DecoderTensors.Weight(
                matrix: try binder.required(
                    "\(prefix)\(name).weight",
                    dimensions: [columns, rows]
                ),
                bias: needsBias
                    ? try binder.required(bias, dimensions: [rows])
                    : try binder.optional(bias, dimensions: [rows]),
                pairsNeighbours: pairsNeighbours
            )
        }

        attentionNorm = try binder.required("\(prefix)attn_norm.weight", dimensions: [width])
        query = try weight(
            "attn_q",
            width,
            queries,
            needsBias: needsBias,
            pairsNeighbours: pairs
        )
        key = try weight("attn_k", width, keys, needsBias: needsBias, pairsNeighbours: pairs)
        value = try weight("attn_v", width, keys, needsBias: needsBias)
        attentionOutput = try weight("attn_output", queries, width)
        feedForwardNorm = try binder.required("\(prefix)ffn_norm.weight", dimensions: [width])
        gate = try weight("ffn_gate", width, inner)
        up = try weight("ffn_up", width, inner)
        down = try weight("ffn_down", inner, width)
    }
}

import Kernels
import ModelFiles

/// Reads the blocks that most architectures are made of, under the names that GGUF gives them.
///
/// Each block comes as llama's; an architecture changes what it does differently.
struct BlockReader {
    enum NormKind {
        case rootMeanSquare
        case layer
    }

    /// Which dimensions of a head turn together, as the file's rows have them.
    enum RotaryPairs {
        /// `(2i, 2i+1)`: rows are reordered, for the kernels know only halves.
        case neighbours
        /// `(i, i + n/2)`.
        case halves
    }

    let file: ModelReader
    let configuration: ModelConfiguration
    let norms: NormKind
    let pairs: RotaryPairs
    /// How many dimensions of a head are rotated.
    let rotatedCount: Int

    var parameters: HyperParameters { file.parameters }

    /// Reads the dimensions of the model.
    init(
        _ file: ModelReader,
        norms: NormKind,
        pairs: RotaryPairs = .halves
    ) throws(ModelError) {
        self.file = file
        self.norms = norms
        self.pairs = pairs
        configuration = try ModelConfiguration(file, norms: norms)
        let suffix = "rope.dimension_count"
        let headDimension = configuration.headDimension
        rotatedCount = try file.parameters.integer(suffix, in: 2...4096) ?? headDimension
        guard rotatedCount.isMultiple(of: 2), rotatedCount <= headDimension else {
            throw file.parameters.invalid(
                suffix,
                rotatedCount,
                "it is even and at most the head dimension \(headDimension)"
            )
        }
    }

    /// The indices of the layers.
    var layers: Range<Int> { 0..<configuration.layerCount }

    // MARK: The whole

    /// A plan without layers: embedding, one rotary table, output norm and head.
    func plan() throws(ModelError) -> ModelPlan {
        let shape = [configuration.embeddingLength, configuration.vocabularySize]
        return ModelPlan(
            configuration: configuration,
            rotaries: [try rotary()],
            embedding: ModelPlan.Embedding(table: try file.required("token_embd.weight", shape)),
            outputNorm: try norm("output_norm"),
            head: ModelPlan.Head(
                matrix: try file.optional("output.weight", shape),
                bias: try file.optional("output.bias", [configuration.vocabularySize])
            )
        )
    }

    // MARK: Norms

    /// The norm `name`, as wide as the residual stream unless said otherwise.
    func norm(_ name: String, width: Int? = nil) throws(ModelError) -> ModelPlan.Norm {
        guard let norm = try optionalNorm(name, width: width) else {
            throw .missingTensor("\(name).weight")
        }
        return norm
    }

    /// The norm `name`, or nil if the file has none.
    func optionalNorm(_ name: String, width: Int? = nil) throws(ModelError) -> ModelPlan.Norm? {
        let shape = [width ?? configuration.embeddingLength]
        guard let weight = try file.optional("\(name).weight", shape) else { return nil }
        switch norms {
        case .rootMeanSquare: return .rootMeanSquare(weight)
        case .layer: return .layer(weight, bias: try file.optional("\(name).bias", shape))
        }
    }

    func norm(_ name: String, layer: Int) throws(ModelError) -> ModelPlan.Norm {
        try norm("blk.\(layer).\(name)")
    }

    /// The norms of each query and key head, before the rotation.
    func headNorms(
        layer: Int
    ) throws(ModelError) -> (query: ModelPlan.HeadNorm, key: ModelPlan.HeadNorm) {
        precondition(pairs == .halves, "the norms' weights are in the heads' order")
        let width = configuration.headDimension
        return (
            .each(try norm("blk.\(layer).attn_q_norm", width: width)),
            .each(try norm("blk.\(layer).attn_k_norm", width: width))
        )
    }

    // MARK: Attention

    /// Attention behind `attn_norm`, with separate or fused weights, and biases where there are some.
    func attention(layer: Int, hasNorm: Bool = true) throws(ModelError) -> ModelPlan.Attention {
        let prefix = "blk.\(layer)."
        let width = configuration.embeddingLength
        let queries = configuration.queryWidth
        let (query, key, value) = try queryKeyValue(layer: layer)
        return ModelPlan.Attention(
            norm: hasNorm ? try norm("attn_norm", layer: layer) : nil,
            query: query,
            key: key,
            value: value,
            output: try weight("\(prefix)attn_output", queries, width),
            queryScale: 1 / Float(configuration.headDimension).squareRoot()
        )
    }

    private func queryKeyValue(
        layer: Int
    ) throws(ModelError) -> (ModelPlan.Weight, ModelPlan.Weight, ModelPlan.Weight) {
        let prefix = "blk.\(layer)."
        let width = configuration.embeddingLength
        let queries = configuration.queryWidth
        let keys = configuration.keyWidth
        if file.file.tensor("\(prefix)attn_qkv.weight") != nil {
            let fused = try weight("\(prefix)attn_qkv", width, queries + 2 * keys)
            return (
                fused.part(0..<queries, order: rowOrder),
                fused.part(queries..<queries + keys, order: rowOrder),
                fused.part(queries + keys..<queries + 2 * keys)
            )
        }
        return (
            try weight("\(prefix)attn_q", width, queries).part(0..<queries, order: rowOrder),
            try weight("\(prefix)attn_k", width, keys).part(0..<keys, order: rowOrder),
            try weight("\(prefix)attn_v", width, keys)
        )
    }

    private var rowOrder: RotaryRowOrder? {
        switch pairs {
        case .halves: nil
        case .neighbours:
            RotaryRowOrder(
                headDimension: configuration.headDimension,
                rotatedCount: rotatedCount
            )
        }
    }

    // MARK: Feed-forward

    /// Two products with an activation between: `ffn_up`, `ffn_down`.
    func plainFeedForward(
        layer: Int,
        activation: StepProgram.Activation
    ) throws(ModelError) -> ModelPlan.FeedForward {
        let (width, inner) = (configuration.embeddingLength, configuration.feedForwardLength)
        return ModelPlan.FeedForward(
            norm: try optionalNorm("blk.\(layer).ffn_norm"),
            gate: try weight("blk.\(layer).ffn_up", width, inner),
            down: try weight("blk.\(layer).ffn_down", inner, width),
            activation: activation
        )
    }

    /// `ffn_gate` through an activation, times `ffn_up`, then `ffn_down`; without `ffn_gate`,
    /// `ffn_up` holds both, the gate first.
    func gatedFeedForward(
        layer: Int,
        activation: StepProgram.Activation = .silu
    ) throws(ModelError) -> ModelPlan.FeedForward {
        let prefix = "blk.\(layer)."
        let (width, inner) = (configuration.embeddingLength, configuration.feedForwardLength)
        let gate: ModelPlan.Weight
        let up: ModelPlan.Weight
        if file.file.tensor("\(prefix)ffn_gate.weight") == nil,
            file.file.tensor("\(prefix)ffn_up.weight")?.dimensions == [width, 2 * inner]
        {
            let fused = try weight("\(prefix)ffn_up", width, 2 * inner)
            (gate, up) = (fused.part(0..<inner), fused.part(inner..<2 * inner))
        } else {
            gate = try weight("\(prefix)ffn_gate", width, inner)
            up = try weight("\(prefix)ffn_up", width, inner)
        }
        return ModelPlan.FeedForward(
            norm: try optionalNorm("\(prefix)ffn_norm"),
            gate: gate,
            up: up,
            down: try weight("\(prefix)ffn_down", inner, width),
            activation: activation
        )
    }

    /// A matrix `[rows, columns]` and its bias, if the file has one.
    func weight(_ name: String, _ columns: Int, _ rows: Int) throws(ModelError)
        -> ModelPlan.Weight
    {
        ModelPlan.Weight(
            matrix: try file.required("\(name).weight", [columns, rows]),
            bias: try file.optional("\(name).bias", [rows])
        )
    }
}

extension ModelPlan.Weight {
    /// Some rows of the matrix, and of the bias.
    func part(_ range: Range<Int>, order: RotaryRowOrder? = nil) -> ModelPlan.Weight {
        ModelPlan.Weight(
            matrix: matrix.part(range, order: order),
            bias: bias?.part(range, order: order)
        )
    }
}

extension BlockReader {
    /// Throws unless queries, keys and values have biases: a file without them is damaged.
    func requireBiases(_ attention: ModelPlan.Attention, layer: Int) throws(ModelError) {
        for (name, weight) in [
            ("attn_q", attention.query), ("attn_k", attention.key), ("attn_v", attention.value),
        ] where weight.bias == nil {
            throw .missingTensor("blk.\(layer).\(name).bias")
        }
    }
}

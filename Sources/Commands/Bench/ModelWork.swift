import ModelFiles
import Tensors
import Transformers

/// What a model's forward pass has to do at least: weights to multiply rows with, positions to
/// attend to, bytes to read.
///
/// Everything between the products comes on top.
struct ModelWork: Sendable, Equatable {
    /// What attention has to do for each position that a token sees, in all layers together.
    struct Attention: Sendable, Equatable {
        /// Multiply-adds of 16-bit numbers: of queries with keys, and of weights with values.
        let operationCount: Int
        /// Bytes of the position's keys and values.
        let byteCount: Int
        /// The most positions that some layers see; nil: all layers see all.
        let window: Int?

        /// The positions that a token behind `count` others sees in every layer, itself included.
        func visible(behind count: Int) -> Int { min(count + 1, window ?? .max) }
    }

    /// What several passes have to do together.
    struct Total: Sendable, Equatable {
        /// Multiply-adds with weights of each type.
        let products: [TensorType: Double]
        /// Multiply-adds of attention.
        let attentionOperationCount: Double
        /// Bytes to read: of weights, keys and values.
        let byteCount: Double
    }

    /// Weights of the layers that every row is multiplied with, by type; of experts as many as a
    /// row passes.
    let layers: [TensorType: Int]
    /// Weights of the output head, which only rows whose logits are wanted meet.
    let headCount: Int
    /// How the head's weights are stored.
    let headType: TensorType
    /// Bytes of all these weights, as the file and the packed matrices have them.
    let byteCount: Int
    let attention: Attention

    /// The parameters of the layers that every token of a prompt meets.
    var layerCount: Int { layers.values.reduce(0, +) }

    /// Reads it off a model file's list of tensors.
    ///
    /// - Parameters:
    ///   - file: The model's.
    ///   - configuration: What was read from the file.
    ///   - positionByteCount: Bytes of one position's keys and values in all layers.
    /// - Throws: `GGUFError` when the file's numbers of experts, or its window, are none.
    init(_ file: GGUFFile, _ configuration: ModelConfiguration, positionByteCount: Int) throws {
        let architecture = try file.metadata.string("general.architecture") ?? ""
        let experts = try file.metadata.integer("\(architecture).expert_count") ?? 1
        let active = try file.metadata.integer("\(architecture).expert_used_count") ?? 1
        var layers: [TensorType: Int] = [:]
        var byteCount = 0
        for tensor in file.tensors where tensor.name.hasPrefix("blk.") {
            guard tensor.dimensions.count > 1 else { continue }
            func used(_ whole: Int) -> Int {
                tensor.name.contains("_exps.") ? whole / max(experts, 1) * active : whole
            }
            layers[tensor.type, default: 0] += used(tensor.elementCount)
            byteCount += used(tensor.byteCount)
        }
        let window = try file.metadata.integer("\(architecture).attention.sliding_window") ?? 0
        let names = ["output.weight", "token_embd.weight"]
        let head = names.lazy.compactMap { name in file.tensors.first { $0.name == name } }.first
        self.init(
            layers: layers,
            headCount: head?.elementCount ?? 0,
            headType: head?.type ?? .f32,
            byteCount: byteCount + (head?.byteCount ?? 0),
            attention: Attention(
                operationCount: 2 * configuration.layerCount * configuration.headCount
                    * configuration.headDimension,
                byteCount: positionByteCount,
                window: window > 0 ? window : nil
            )
        )
    }

    init(
        layers: [TensorType: Int],
        headCount: Int,
        headType: TensorType,
        byteCount: Int,
        attention: Attention
    ) {
        self.layers = layers
        self.headCount = headCount
        self.headType = headType
        self.byteCount = byteCount
        self.attention = attention
    }

    /// What the prefill of a prompt takes at least: its last token alone meets the head, and all
    /// weights are read once.
    func prefill(tokenCount: Int) -> Total {
        let positions = (0..<tokenCount).reduce(0) { $0 + attention.visible(behind: $1) }
        return Total(
            products: products(rows: tokenCount, headRows: 1),
            attentionOperationCount: Double(attention.operationCount) * Double(positions),
            byteCount: Double(byteCount)
        )
    }

    /// What decoding takes at least: `tokenCount` tokens of each of `batchSize` sequences, side by
    /// side, behind prompts of `promptTokenCount` tokens each.
    func decode(batchSize: Int, tokenCount: Int, promptTokenCount: Int) -> Total {
        let positions =
            (promptTokenCount..<promptTokenCount + tokenCount)
            .reduce(0) { $0 + attention.visible(behind: $1) } * batchSize
        let rows = batchSize * tokenCount
        return Total(
            products: products(rows: rows, headRows: rows),
            attentionOperationCount: Double(attention.operationCount) * Double(positions),
            byteCount: Double(byteCount) * Double(tokenCount)
                + Double(attention.byteCount) * Double(positions)
        )
    }

    private func products(rows: Int, headRows: Int) -> [TensorType: Double] {
        let head = [headType: Double(headCount) * Double(headRows)]
        return layers.mapValues { Double($0) * Double(rows) }.merging(head, uniquingKeysWith: +)
    }

    /// The types whose products the model needs.
    var types: Set<TensorType> { Set(layers.keys).union([headType]) }
}

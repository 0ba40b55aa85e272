import ModelFiles
import Tensors

/// What a model's forward pass has to do at least: weights to multiply rows with, bytes to read.
///
/// Attention and everything between the products come on top.
struct ModelWork: Sendable, Equatable {
    /// Weights of the layers that every row is multiplied with, by type; of experts as many as a
    /// row passes.
    let layers: [TensorType: Int]
    /// Weights of the output head, which only rows whose logits are wanted meet.
    let headCount: Int
    /// How the head's weights are stored.
    let headType: TensorType
    /// Bytes of all these weights, as the file and the packed matrices have them.
    let byteCount: Int

    /// The parameters of the layers that every token of a prompt meets.
    var layerCount: Int { layers.values.reduce(0, +) }

    /// Reads it off a model file's list of tensors.
    ///
    /// - Throws: `GGUFError` when the file's numbers of experts are none.
    init(_ file: GGUFFile) throws {
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
        let names = ["output.weight", "token_embd.weight"]
        let head = names.lazy.compactMap { name in file.tensors.first { $0.name == name } }.first
        self.init(
            layers: layers,
            headCount: head?.elementCount ?? 0,
            headType: head?.type ?? .f32,
            byteCount: byteCount + (head?.byteCount ?? 0)
        )
    }

    init(layers: [TensorType: Int], headCount: Int, headType: TensorType, byteCount: Int) {
        self.layers = layers
        self.headCount = headCount
        self.headType = headType
        self.byteCount = byteCount
    }

    /// The types whose products the model needs.
    var types: Set<TensorType> { Set(layers.keys).union([headType]) }
}

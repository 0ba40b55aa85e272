import ModelFiles

/// What an architecture reads its file through: hyper-parameters by key, tensors by name.
///
/// Every tensor that is asked for is checked against the shape that the hyper-parameters say, and in
/// the end none may be left: a bias that is silently left out gives wrong results.
final class ModelReader {
    let file: GGUFFile
    let parameters: HyperParameters
    private var boundNames: Set<String> = []

    init(_ file: GGUFFile) {
        self.file = file
        parameters = HyperParameters(metadata: file.metadata, prefix: file.architecture)
    }

    /// The tensor `name` of exactly these dimensions (fastest first), or nil if the file has none.
    func optional(_ name: String, _ dimensions: [Int]) throws(ModelError) -> TensorRows? {
        guard let tensor = file.tensor(name) else { return nil }
        guard tensor.dimensions == dimensions else {
            throw .wrongShape(tensor: name, expected: dimensions, actual: tensor.dimensions)
        }
        boundNames.insert(name)
        return TensorRows(tensor)
    }

    /// The tensor `name` of exactly these dimensions, fastest first.
    func required(_ name: String, _ dimensions: [Int]) throws(ModelError) -> TensorRows {
        guard let tensor = try optional(name, dimensions) else { throw .missingTensor(name) }
        return tensor
    }

    /// Throws for the first tensor that nothing asked for.
    func checkNothingIsLeft() throws(ModelError) {
        for tensor in file.tensors where !boundNames.contains(tensor.name) {
            // Old converters wrote the rotary frequencies out; they follow from the metadata.
            if tensor.name.hasSuffix(".attn_rot_embd") { continue }
            throw .unexpectedTensor(tensor.name, architecture: file.architecture)
        }
    }

    /// Throws if the file says that it has experts and no layer has some.
    func checkExperts(_ layers: [ModelPlan.Layer]) throws(ModelError) {
        let count = try parameters.integer("expert_count", in: 0...4096) ?? 0
        let hasExperts = layers.contains { layer in
            if case .experts = layer.feedForward { true } else { false }
        }
        guard count > 0, !hasExperts else { return }
        throw parameters.invalid(
            "expert_count",
            count,
            "mixtures of experts of architecture '\(file.architecture)' are not supported yet"
        )
    }
}

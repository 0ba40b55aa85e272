import ModelFiles
import Tensors

/// Finds the tensors that an architecture needs, checks their shapes, and in the end refuses a file
/// with tensors that nothing asked for: a bias that is silently left out gives wrong results.
struct TensorBinder {
    let file: GGUFFile
    private var boundNames: Set<String> = []

    init(file: GGUFFile) {
        self.file = file
    }

    /// The tensor `name` of exactly these dimensions (fastest first), or nil if the file has none.
    mutating func optional(
        _ name: String,
        dimensions: [Int]
    ) throws(ModelError) -> GGUFTensor? {
        guard let tensor = file.tensor(name) else { return nil }
        guard tensor.dimensions == dimensions else {
            throw .wrongShape(tensor: name, expected: dimensions, actual: tensor.dimensions)
        }
        boundNames.insert(name)
        return tensor
    }

    /// The tensor `name` of exactly these dimensions, fastest first.
    mutating func required(_ name: String, dimensions: [Int]) throws(ModelError) -> GGUFTensor {
        guard let tensor = try optional(name, dimensions: dimensions) else {
            throw .missingTensor(name)
        }
        return tensor
    }

    /// Throws for the first tensor that was not bound.
    func checkNothingIsLeft(architecture: String) throws(ModelError) {
        for tensor in file.tensors where !boundNames.contains(tensor.name) {
            // Old converters wrote the rotary frequencies out; they follow from the metadata.
            if tensor.name.hasSuffix(".attn_rot_embd") { continue }
            throw .unexpectedTensor(tensor.name, architecture: architecture)
        }
    }
}

import Glibc
import ModelFiles

/// The classification head of a reranker: what makes a score of a text's pooled vector.
///
/// `cls` is a dense layer with tanh (BERT's pooler), `cls.output` a product with one row. It is applied
/// once a text, so its plain loops cost nothing beside the layers.
struct PooledHead: Sendable {
    struct Tensors {
        var dense: GGUFTensor?
        var denseBias: GGUFTensor?
        var output: GGUFTensor
        var outputBias: GGUFTensor?

        /// The head's tensors, or nil if the file has none.
        init?(width: Int, binder: inout TensorBinder) throws(ModelError) {
            // Some files drop the dimension of 1.
            let isFlat = binder.file.tensor("cls.output.weight")?.dimensions.count == 1
            let dimensions = isFlat ? [width] : [width, 1]
            guard let output = try binder.optional("cls.output.weight", dimensions: dimensions)
            else { return nil }
            self.output = output
            outputBias = try binder.optional("cls.output.bias", dimensions: [1])
            dense = try binder.optional("cls.weight", dimensions: [width, width])
            denseBias = try binder.optional("cls.bias", dimensions: [width])
        }

        var all: [GGUFTensor] { [output] + [dense, denseBias, outputBias].compactMap { $0 } }
    }

    private let dense: [Float]?
    private let denseBias: [Float]?
    private let output: [Float]
    private let outputBias: Float

    init(_ tensors: Tensors, loader: WeightLoader) throws(ModelError) {
        dense = try tensors.dense.map { tensor throws(ModelError) in try loader.dequantised(tensor)
        }
        denseBias = try tensors.denseBias.map { tensor throws(ModelError) in
            try loader.dequantised(tensor)
        }
        output = try loader.dequantised(tensors.output)
        outputBias =
            try tensors.outputBias.map { tensor throws(ModelError) in try loader.dequantised(tensor)
            }?
            .first ?? 0
    }

    /// The score of a vector `[E]`, before the logistic function.
    func score(_ vector: [Float]) -> Float {
        var inner = vector
        if let dense {
            let width = vector.count
            inner = (0..<width).map { row in
                let sum = (0..<width).reduce(denseBias?[row] ?? 0) {
                    $0 + dense[row * width + $1] * vector[$1]
                }
                return tanh(sum)
            }
        }
        return zip(inner, output).reduce(outputBias) { $0 + $1.0 * $1.1 }
    }
}

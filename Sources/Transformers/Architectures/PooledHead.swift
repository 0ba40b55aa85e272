import Glibc
import ModelFiles

/// The classification head of a reranker: what makes a score of a text's pooled vector.
///
/// `cls` is a dense layer with tanh (BERT's pooler), `cls.output` a product with one row. It is applied
/// once a text, so its plain loops cost nothing beside the layers.
struct PooledHead: Sendable {
    /// What the file holds of it.
    struct Tensors {
        var dense: TensorRows?
        var denseBias: TensorRows?
        var output: TensorRows
        var outputBias: TensorRows?

        /// The head's tensors, or nil if the file has none.
        init?(_ file: ModelReader, width: Int) throws(ModelError) {
            // Some files drop the dimension of 1.
            let isFlat = file.file.tensor("cls.output.weight")?.dimensions.count == 1
            let dimensions = isFlat ? [width] : [width, 1]
            guard let output = try file.optional("cls.output.weight", dimensions) else {
                return nil
            }
            self.output = output.asRow
            outputBias = try file.optional("cls.output.bias", [1])
            dense = try file.optional("cls.weight", [width, width])
            denseBias = try file.optional("cls.bias", [width])
        }

        var all: [TensorRows] { [output] + [dense, denseBias, outputBias].compactMap { $0 } }
    }

    private let dense: [Float]?
    private let denseBias: [Float]?
    private let output: [Float]
    private let outputBias: Float

    init(_ tensors: Tensors, loader: WeightLoader) throws(ModelError) {
        func kept(_ rows: TensorRows?) throws(ModelError) -> [Float]? {
            guard let rows else { return nil }
            return try loader.keptFloats(rows)
        }
        dense = try kept(tensors.dense)
        denseBias = try kept(tensors.denseBias)
        output = try loader.keptFloats(tensors.output)
        outputBias = try kept(tensors.outputBias)?.first ?? 0
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

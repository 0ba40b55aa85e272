import Glibc
import ModelFiles

/// What stands behind the pooling of a text's hidden states: products, one after the other.
///
/// A reranker's classification head makes a score of the pooled vector, an embedder's projections another
/// vector. It is applied once a text, so its plain loops cost little beside the layers.
struct PooledHead: Sendable {
    /// What the file holds of it.
    struct Tensors {
        /// One product.
        struct Layer {
            /// `[out, in]`.
            var matrix: TensorRows
            /// `[out]`.
            var bias: TensorRows?
            /// Whether tanh of it is taken.
            var isBent = false
        }

        var layers: [Layer]

        /// A classification head, or nil if the file has none: `cls`, a dense layer with tanh (BERT's
        /// pooler), and `cls.output`, a product with one row.
        init?(classifierOf file: ModelReader, width: Int) throws(ModelError) {
            // Some files drop the dimension of 1.
            let isFlat = file.file.tensor("cls.output.weight")?.dimensions.count == 1
            let dimensions = isFlat ? [width] : [width, 1]
            guard let output = try file.optional("cls.output.weight", dimensions) else {
                return nil
            }
            layers = []
            if let dense = try file.optional("cls.weight", [width, width]) {
                let bias = try file.optional("cls.bias", [width])
                layers.append(Layer(matrix: dense, bias: bias, isBent: true))
            }
            let bias = try file.optional("cls.output.bias", [1])
            layers.append(Layer(matrix: output.asRow, bias: bias))
        }

        /// The projections of an embedder, `dense_2` and `dense_3`, or nil if the file has none.
        init?(projectionsOf file: ModelReader, width: Int) throws(ModelError) {
            guard let first = file.file.tensor("dense_2.weight") else { return nil }
            let inner = first.dimensions.count == 2 ? first.dimensions[1] : 0
            layers = [
                Layer(matrix: try file.required("dense_2.weight", [width, inner])),
                Layer(matrix: try file.required("dense_3.weight", [inner, width])),
            ]
        }

        var all: [TensorRows] { layers.flatMap { [$0.matrix, $0.bias].compactMap(\.self) } }
    }

    private struct Layer {
        let rowCount: Int
        let weights: [Float]
        let bias: [Float]?
        let isBent: Bool
    }

    private let layers: [Layer]

    init(_ tensors: Tensors, loader: WeightLoader) throws(ModelError) {
        var layers: [Layer] = []
        for layer in tensors.layers {
            let bias = try layer.bias.map { rows throws(ModelError) in try loader.keptFloats(rows) }
            layers.append(
                Layer(
                    rowCount: layer.matrix.range.count,
                    weights: try loader.keptFloats(layer.matrix),
                    bias: bias,
                    isBent: layer.isBent
                )
            )
        }
        self.layers = layers
    }

    /// What it makes of a vector `[E]`: one number, the score before the logistic function, or a vector.
    func apply(to vector: [Float]) -> [Float] {
        layers.reduce(vector) { input, layer in
            (0..<layer.rowCount).map { row in
                let sum = input.indices.reduce(layer.bias?[row] ?? 0) {
                    $0 + layer.weights[row * input.count + $1] * input[$1]
                }
                return layer.isBent ? tanh(sum) : sum
            }
        }
    }
}

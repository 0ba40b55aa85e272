import CKernels
import Tensors

/// A weight matrix taken apart element by element, and the arithmetic contract of `matmul.h`
/// spelt out: what every kernel must agree with bit for bit.
struct ReferenceMatrix {
    let type: TensorType
    let rows: Int
    let columns: Int
    /// Quantised types, by row: integers per element, factors per sub-block.
    private(set) var quants: [[Int]] = []
    private(set) var scales: [[(scale: Float, minimum: Float)]] = []
    /// By row and element: the value as the file means it.
    private(set) var values: [[Float]] = []

    /// Reads `rows` rows in the file's layout.
    init(type: TensorType, rows: Int, columns: Int, bytes: [UInt8]) {
        self.type = type
        self.rows = rows
        self.columns = columns
        let format = WeightFormat(type: type)
        let (elements, blockBytes) = (type.blockElementCount, type.blockByteCount)
        for row in 0..<rows {
            var (quants, scales, values): ([Int], [(Float, Float)], [Float]) = ([], [], [])
            for block in 0..<columns / elements {
                let start = (row * (columns / elements) + block) * blockBytes
                let slice = bytes[start..<start + blockBytes]
                guard elements > 1 else {
                    values.append(format.value(slice))
                    continue
                }
                for j in 0..<elements {
                    let (quant, factors) = (format.quant(slice, j), format.scale(slice, j))
                    quants.append(quant)
                    if j % format.subBlockLength == 0 { scales.append(factors) }
                    let product = factors.scale * Float(quant)
                    values.append(format.hasMinimums ? product - factors.minimum : product)
                }
            }
            self.quants.append(quants)
            self.scales.append(scales)
            self.values.append(values)
        }
    }

    /// One output: the product of row `row` and one token's activations.
    func product(row: Int, _ token: ReferenceActivations) -> Float {
        let format = WeightFormat(type: type)
        guard type.blockElementCount > 1 else {
            return zip(values[row], token.values).reduce(into: Float(0)) {
                $0.addProduct($1.0, $1.1)
            }
        }
        let (group, length) = (Int(TORII_ACTIVATION_GROUP), format.subBlockLength)
        var y: Float = 0
        for start in stride(from: 0, to: columns, by: group) {
            var f: Float = 0
            for k in stride(from: start, to: min(start + group, columns), by: length) {
                let range = k..<k + length
                let (scale, minimum) = scales[row][k / length]
                let dot = range.reduce(0) { $0 + quants[row][$1] * token.quants[$1] }
                f.addProduct(scale, Float(dot))
                if format.hasMinimums {
                    f.addProduct(minimum, Float(-range.reduce(0) { $0 + token.quants[$1] }))
                }
            }
            y.addProduct(token.scales[start / group], f)
        }
        return y
    }

    /// All outputs of all tokens: [T, R].
    func product(_ tokens: [ReferenceActivations]) -> [Float] {
        tokens.flatMap { token in (0..<rows).map { product(row: $0, token) } }
    }
}

/// One token's activations: as given, and quantised by groups as `matmul.h` describes.
struct ReferenceActivations {
    let values: [Float]
    private(set) var quants: [Int] = []
    private(set) var scales: [Float] = []

    init(_ values: [Float]) {
        self.values = values
        let group = Int(TORII_ACTIVATION_GROUP)
        for start in stride(from: 0, to: values.count, by: group) {
            let members = values[start..<min(start + group, values.count)]
            let largest = members.map(\.magnitude).max() ?? 0
            if !members.allSatisfy(\.isFinite) {
                scales.append(.nan)
                quants += members.map { _ in 0 }
            } else if largest < 0x1p-100 {
                scales.append(0)
                quants += members.map { _ in 0 }
            } else {
                let inverse = 127 / largest
                scales.append(largest / 127)
                quants += members.map { Int(($0 * inverse).rounded(.toNearestOrEven)) }
            }
        }
    }
}

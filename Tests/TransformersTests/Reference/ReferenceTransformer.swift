import Foundation
import ModelFiles
import Tensors
import Transformers

/// The forward pass of a llama-shaped decoder, written for reading: one token after the other, all
/// arithmetic in single precision or better, weights as the file's formulas say, nothing quantised.
struct ReferenceTransformer {
    let configuration: ModelConfiguration
    private let tensors: [String: [Float]]
    private let rotaryFactors: [Float]?

    init(_ file: GGUFFile) throws {
        configuration = try ModelConfiguration(file)
        var tensors: [String: [Float]] = [:]
        for tensor in file.tensors {
            tensors[tensor.name] = try Self.values(of: tensor, in: file)
        }
        self.tensors = tensors
        rotaryFactors = tensors["rope_freqs.weight"]
    }

    /// The logits of every token.
    func logits(_ tokens: [Int32]) -> [[Float]] {
        let width = configuration.embeddingLength
        var keys = [[[Float]]](repeating: [], count: configuration.layerCount)
        var values = keys
        return tokens.enumerated().map { position, token in
            let table = tensors["token_embd.weight"] ?? []
            var x = Array(table[Int(token) * width..<(Int(token) + 1) * width])
            for layer in 0..<configuration.layerCount {
                let prefix = "blk.\(layer)."
                let normed = norm(x, "\(prefix)attn_norm")
                var query = product("\(prefix)attn_q", normed)
                var key = product("\(prefix)attn_k", normed)
                rotate(&query, position)
                rotate(&key, position)
                keys[layer].append(key)
                values[layer].append(product("\(prefix)attn_v", normed))
                let attended = attend(query, keys[layer], values[layer])
                add(&x, product("\(prefix)attn_output", attended))
                let inner = norm(x, "\(prefix)ffn_norm")
                let gate = product("\(prefix)ffn_gate", inner)
                let up = product("\(prefix)ffn_up", inner)
                let hidden = zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
                add(&x, product("\(prefix)ffn_down", hidden))
            }
            let head = tensors["output.weight"] == nil ? "token_embd" : "output"
            return product(head, norm(x, "output_norm"))
        }
    }

    private func norm(_ x: [Float], _ name: String) -> [Float] {
        let squares = x.reduce(0.0) { $0 + Double($1) * Double($1) }
        let factor =
            1 / (squares / Double(x.count) + Double(configuration.rmsEpsilon)).squareRoot()
        return zip(x, tensors["\(name).weight"] ?? []).map { Float(Double($0) * factor) * $1 }
    }

    private func product(_ name: String, _ x: [Float]) -> [Float] {
        let weight = tensors["\(name).weight"] ?? []
        let bias = tensors["\(name).bias"]
        let rows = weight.count / x.count
        return weight.withUnsafeBufferPointer { weight in
            x.withUnsafeBufferPointer { x in
                (0..<rows).map { row in
                    var sum = 0.0
                    for column in 0..<x.count {
                        sum += Double(weight[row * x.count + column]) * Double(x[column])
                    }
                    return Float(sum) + (bias?[row] ?? 0)
                }
            }
        }
    }

    private func rotate(_ x: inout [Float], _ position: Int) {
        let rotary = configuration.rotary
        let half = rotary.dimensionCount / 2
        for head in stride(from: 0, to: x.count, by: configuration.headDimension) {
            for pair in 0..<half {
                let frequency =
                    pow(rotary.base, -2 * Double(pair) / Double(rotary.dimensionCount))
                    * rotary.positionScale / Double(rotaryFactors?[pair] ?? 1)
                let angle = Double(position) * frequency
                let first = head + (rotary.pairsNeighbours ? 2 * pair : pair)
                let second = rotary.pairsNeighbours ? first + 1 : first + half
                let (a, b) = (Double(x[first]), Double(x[second]))
                x[first] = Float(a * cos(angle) - b * sin(angle))
                x[second] = Float(a * sin(angle) + b * cos(angle))
            }
        }
    }

    private func attend(_ query: [Float], _ keys: [[Float]], _ values: [[Float]]) -> [Float] {
        let length = configuration.headDimension
        let group = configuration.headCount / configuration.keyValueHeadCount
        return (0..<configuration.headCount).flatMap { head in
            let shared = head / group * length
            let scores = keys.map { key in
                (0..<length).reduce(0.0) {
                    $0 + Double(query[head * length + $1]) * Double(key[shared + $1])
                } / Double(length).squareRoot()
            }
            let maximum = scores.max() ?? 0
            let weights = scores.map { exp($0 - maximum) }
            let sum = weights.reduce(0, +)
            return (0..<length).map { index in
                Float(
                    zip(weights, values).reduce(0.0) { $0 + $1.0 * Double($1.1[shared + index]) }
                        / sum
                )
            }
        }
    }

    private func add(_ x: inout [Float], _ y: [Float]) {
        for index in x.indices { x[index] += y[index] }
    }

    static func values(of tensor: GGUFTensor, in file: GGUFFile) throws -> [Float] {
        var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
        try bytes.withUnsafeMutableBytes { try file.read(tensor, byteOffset: 0, into: $0) }
        var values = [Float](repeating: 0, count: tensor.elementCount)
        try bytes.withUnsafeBytes { bytes in
            try values.withUnsafeMutableBufferPointer {
                try BlockDequantizer.dequantize(bytes, type: tensor.type, into: $0)
            }
        }
        return values
    }
}

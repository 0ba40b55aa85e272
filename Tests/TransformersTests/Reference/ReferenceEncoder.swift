import Foundation
import ModelFiles
import Transformers

/// The forward pass of an encoder of BERT's shape, written for reading: in double precision, weights
/// as the file's formulas say, nothing quantised.
struct ReferenceEncoder {
    let configuration: ModelConfiguration
    private let tensors: [String: [Double]]

    init(_ file: GGUFFile) throws {
        configuration = try ModelConfiguration(file)
        var tensors: [String: [Double]] = [:]
        for tensor in file.tensors {
            tensors[tensor.name] = try ReferenceTransformer.values(of: tensor, in: file).map {
                Double($0)
            }
        }
        self.tensors = tensors
    }

    /// The hidden states of some tokens, or of all.
    func hiddenStates(_ tokens: [Int32], rows wanted: Range<Int>? = nil) -> [[Double]] {
        var rows = tokens.enumerated().map { position, token in
            let sum = add(
                row("token_embd", Int(token)),
                add(row("position_embd", position), row("token_types", 0))
            )
            return norm(sum, "token_embd_norm")
        }
        for layer in 0..<configuration.layerCount {
            let prefix = "blk.\(layer)."
            let queries = rows.map { product("\(prefix)attn_q", $0) }
            let keys = rows.map { product("\(prefix)attn_k", $0) }
            let values = rows.map { product("\(prefix)attn_v", $0) }
            let isLast = layer == configuration.layerCount - 1
            for index in isLast ? wanted ?? rows.indices : rows.indices {
                let attended = attend(queries[index], keys, values)
                let branch = product("\(prefix)attn_output", attended)
                let x = norm(add(rows[index], branch), "\(prefix)attn_output_norm")
                let inner = product("\(prefix)ffn_up", x).map {
                    0.5 * $0 * (1 + erf($0 / 2.0.squareRoot()))
                }
                let output = product("\(prefix)ffn_down", inner)
                rows[index] = norm(add(x, output), "\(prefix)layer_output_norm")
            }
        }
        return wanted.map { Array(rows[$0]) } ?? rows
    }

    /// The score of a pooled vector.
    func score(_ vector: [Double]) -> Double {
        product("cls.output", product("cls", vector).map { tanh($0) })[0]
    }

    private func row(_ name: String, _ index: Int) -> [Double] {
        let width = configuration.embeddingLength
        return Array((tensors["\(name).weight"] ?? [])[index * width..<(index + 1) * width])
    }

    private func add(_ x: [Double], _ y: [Double]) -> [Double] { zip(x, y).map { $0 + $1 } }

    private func norm(_ x: [Double], _ name: String) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        let scale = 1 / (variance + Double(configuration.normEpsilon)).squareRoot()
        let weight = tensors["\(name).weight"] ?? []
        let bias = tensors["\(name).bias"] ?? []
        return x.indices.map { (x[$0] - mean) * scale * weight[$0] + bias[$0] }
    }

    private func product(_ name: String, _ x: [Double]) -> [Double] {
        let weight = tensors["\(name).weight"] ?? []
        let bias = tensors["\(name).bias"] ?? []
        return bias.indices.map { row in
            x.indices.reduce(bias[row]) { $0 + weight[row * x.count + $1] * x[$1] }
        }
    }

    private func attend(_ query: [Double], _ keys: [[Double]], _ values: [[Double]]) -> [Double] {
        let length = configuration.headDimension
        return (0..<configuration.headCount).flatMap { head in
            let dimensions = head * length..<(head + 1) * length
            let scores = keys.map { key in
                dimensions.reduce(0) { $0 + query[$1] * key[$1] } / Double(length).squareRoot()
            }
            let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
            let sum = weights.reduce(0, +)
            return dimensions.map { dimension in
                zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[dimension] } / sum
            }
        }
    }
}

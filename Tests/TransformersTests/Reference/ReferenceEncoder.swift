import Foundation
import ModelFiles
import Transformers

/// The forward pass of the encoders that `TinyEncoder` makes, written for reading: in double precision,
/// weights as the file's formulas say, nothing quantised.
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
            var sum = row("token_embd", Int(token))
            if has("position_embd") { sum = add(sum, row("position_embd", position)) }
            if has("token_types") { sum = add(sum, row("token_types", 0)) }
            return norm(sum, "token_embd_norm")
        }
        for layer in 0..<configuration.layerCount {
            let prefix = "blk.\(layer)."
            let inputs = rows.map { normIfThere($0, "\(prefix)attn_norm") }
            let projected = inputs.enumerated().map {
                projections($0.element, layer, at: $0.offset)
            }
            let isLast = layer == configuration.layerCount - 1
            for index in isLast ? wanted ?? rows.indices : rows.indices {
                let attended = attend(index, projected, layer)
                let branch = product("\(prefix)attn_output", attended)
                let x = normIfThere(add(rows[index], branch), "\(prefix)attn_output_norm")
                let output = feedForward(normIfThere(x, "\(prefix)ffn_norm"), layer)
                rows[index] = normIfThere(add(x, output), "\(prefix)layer_output_norm")
            }
        }
        if has("output_norm") { rows = rows.map { norm($0, "output_norm") } }
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
        let bias = tensors["\(name).bias"]
        return x.indices.map { (x[$0] - mean) * scale * weight[$0] + (bias?[$0] ?? 0) }
    }

    private func has(_ name: String) -> Bool { tensors["\(name).weight"] != nil }

    private func normIfThere(_ x: [Double], _ name: String) -> [Double] {
        has(name) ? norm(x, name) : x
    }

    private func product(_ name: String, _ x: [Double]) -> [Double] {
        let weight = tensors["\(name).weight"] ?? []
        let bias = tensors["\(name).bias"]
        return (0..<weight.count / x.count).map { row -> Double in
            var sum = bias?[row] ?? 0
            for column in x.indices { sum += weight[row * x.count + column] * x[column] }
            return sum
        }
    }

    private static func gelu(_ x: Double) -> Double { 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }

    private func feedForward(_ x: [Double], _ layer: Int) -> [Double] {
        let prefix = "blk.\(layer)."
        let up = product("\(prefix)ffn_up", x)
        let inner: [Double]
        switch configuration.architecture {
        case "nomic-bert":
            let gate = product("\(prefix)ffn_gate", x)
            inner = zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
        case "jina-bert-v2":
            inner = zip(product("\(prefix)ffn_gate", x), up).map { Self.gelu($0) * $1 }
        case "modern-bert":
            let half = up.count / 2
            inner = zip(up[..<half], up[half...]).map { Self.gelu($0) * $1 }
        default: inner = up.map(Self.gelu)
        }
        return product("\(prefix)ffn_down", inner)
    }

    // MARK: Attention

    private struct Projections {
        var query: [Double]
        var key: [Double]
        var value: [Double]
    }

    private func projections(_ x: [Double], _ layer: Int, at position: Int) -> Projections {
        let prefix = "blk.\(layer)."
        let width = configuration.embeddingLength
        var parts: [[Double]]
        if has("\(prefix)attn_qkv") {
            let fused = product("\(prefix)attn_qkv", x)
            parts = (0..<3).map { Array(fused[$0 * width..<($0 + 1) * width]) }
        } else {
            parts = ["q", "k", "v"].map { product("\(prefix)attn_\($0)", x) }
        }
        parts[0] = normIfThere(parts[0], "\(prefix)attn_q_norm")
        parts[1] = normIfThere(parts[1], "\(prefix)attn_k_norm")
        if let base = rotaryBase(layer) {
            for part in 0..<2 { parts[part] = rotated(parts[part], base, position) }
        }
        return Projections(query: parts[0], key: parts[1], value: parts[2])
    }

    /// Whether a layer of a ModernBERT sees everything; the file says 16 and 3.
    private func seesEverything(_ layer: Int) -> Bool {
        configuration.architecture != "modern-bert" || layer.isMultiple(of: 3)
    }

    private func rotaryBase(_ layer: Int) -> Double? {
        switch configuration.architecture {
        case "nomic-bert": 1000
        case "modern-bert": seesEverything(layer) ? 160_000 : 10_000
        default: nil
        }
    }

    private func rotated(_ x: [Double], _ base: Double, _ position: Int) -> [Double] {
        var x = x
        let half = configuration.headDimension / 2
        for head in stride(from: 0, to: x.count, by: 2 * half) {
            for pair in 0..<half {
                let angle = Double(position) * pow(base, -Double(pair) / Double(half))
                let (a, b) = (x[head + pair], x[head + pair + half])
                x[head + pair] = a * cos(angle) - b * sin(angle)
                x[head + pair + half] = a * sin(angle) + b * cos(angle)
            }
        }
        return x
    }

    private func attend(_ index: Int, _ rows: [Projections], _ layer: Int) -> [Double] {
        let length = configuration.headDimension
        let visible = rows.indices.filter { seesEverything(layer) || abs($0 - index) <= 8 }
        return (0..<configuration.headCount).flatMap { head in
            let dimensions = head * length..<(head + 1) * length
            // Three heads: two powers of 2⁻⁴, and the first odd one of 2⁻².
            let slope =
                configuration.architecture == "jina-bert-v2" ? [0.0625, 0.00390625, 0.25][head] : 0
            let scores = visible.map { other -> Double in
                var product = 0.0
                for dimension in dimensions {
                    product += rows[index].query[dimension] * rows[other].key[dimension]
                }
                return product / Double(length).squareRoot() - slope * Double(abs(other - index))
            }
            let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
            let sum = weights.reduce(0, +)
            return dimensions.map { dimension -> Double in
                var mean = 0.0
                for (weight, other) in zip(weights, visible) {
                    mean += weight * rows[other].value[dimension] / sum
                }
                return mean
            }
        }
    }
}

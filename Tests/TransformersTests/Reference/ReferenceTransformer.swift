import Foundation
import ModelFiles
import Tensors

/// The forward pass of a decoder, written for reading: one token after the other, all arithmetic in
/// double precision, weights as the file's formulas say, nothing quantised.
///
/// What an architecture does differently follows from the tensors that its file has, from the
/// file's keys, and from ``ReferenceTraits``.
struct ReferenceTransformer {
    /// The file's numbers by key, without the architecture's prefix.
    private let numbers: [String: Double]
    private let isYarn: Bool
    private let traits: ReferenceTraits
    private let tensors: [String: [Float]]
    private let width, layerCount, headCount, keyHeadCount, headLength: Int

    init(_ file: GGUFFile) throws {
        let prefix = file.architecture + "."
        var numbers: [String: Double] = [:]
        for key in file.metadata.keys where key.hasPrefix(prefix) {
            let number =
                (try? file.metadata.integer(key)).map { Double($0) }
                ?? (try? file.metadata.double(key))
            numbers[String(key.dropFirst(prefix.count))] = number
        }
        self.numbers = numbers
        isYarn = try file.metadata.string("\(prefix)rope.scaling.type") == "yarn"
        traits = ReferenceTraits(file.architecture)
        var tensors: [String: [Float]] = [:]
        for tensor in file.tensors {
            tensors[tensor.name] = try Self.values(of: tensor, in: file)
        }
        self.tensors = tensors
        width = Int(numbers["embedding_length"] ?? 0)
        layerCount = Int(numbers["block_count"] ?? 0)
        headCount = Int(numbers["attention.head_count"] ?? 0)
        keyHeadCount = Int(numbers["attention.head_count_kv"] ?? 0)
        headLength = width / headCount
    }

    /// The logits of every token.
    func logits(_ tokens: [Int32]) -> [[Float]] {
        var keys = [[[Double]]](repeating: [], count: layerCount)
        var values = keys
        return tokens.enumerated().map { position, token in
            let table = tensors["token_embd.weight"] ?? []
            let scale = traits.scalesEmbedding ? Double(width).squareRoot() : 1
            var x = table[Int(token) * width..<(Int(token) + 1) * width].map {
                Double($0) * scale * number("embedding_scale", 1)
            }
            for layer in 0..<layerCount {
                let name = "blk.\(layer)."
                let normed = norm(x, "\(name)attn_norm")
                var (query, key, value) = projections(normed, name)
                turn(&query, layer, position, isQuery: true)
                turn(&key, layer, position, isQuery: false)
                // As the KV blocks keep them.
                keys[layer].append(key.map { Double(Float16($0)) })
                values[layer].append(value.map { Double(Float16($0)) })
                let attended = attend(query, keys[layer], values[layer], layer)
                let output = product("\(name)attn_output", attended)
                let sum = joined(x, norm(output, "\(name)post_attention_norm", unless: .isBefore))
                let before = traits.isParallel ? normed : norm(sum, "\(name)\(traits.innerNorm)")
                let inner = feedForward(before, name)
                x = joined(sum, norm(inner, "\(name)post_ffw_norm"))
            }
            let head = tensors["output.weight"] == nil ? "token_embd" : "output"
            return product(head, norm(x, "output_norm")).map { logit in
                let scaled = logit / number("logit_scale", 1)
                let cap = number("final_logit_softcapping", 0)
                return Float(cap > 0 ? cap * tanh(scaled / cap) : scaled)
            }
        }
    }

    private func number(_ key: String, _ value: Double) -> Double {
        numbers[key] ?? value
    }

    // MARK: Parts

    private enum Exception {
        case isBefore
    }

    /// Nothing if the file has no such norm, or if gpt-oss uses the name for another one.
    private func norm(_ x: [Double], _ name: String, unless exception: Exception? = nil) -> [Double]
    {
        if exception != nil, name.hasSuffix(traits.innerNorm) { return x }
        guard let weight = tensors["\(name).weight"] else { return x }
        return norm(x, weight, tensors["\(name).bias"])
    }

    private func norm(_ x: [Double], _ weight: [Float], _ bias: [Float]?) -> [Double] {
        let mean = traits.hasLayerNorms ? x.reduce(0, +) / Double(x.count) : 0
        let squares = x.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        let factor = 1 / (squares + 1e-5).squareRoot()
        return x.indices.map {
            (x[$0] - mean) * factor * Double(weight[$0]) + Double(bias?[$0] ?? 0)
        }
    }

    private func joined(_ x: [Double], _ branch: [Double]) -> [Double] {
        zip(x, branch).map { $0 + number("residual_scale", 1) * $1 }
    }

    private func product(_ name: String, _ x: [Double], expert: Int? = nil) -> [Double] {
        var weight = (tensors["\(name).weight"] ?? [])[...]
        var bias = tensors["\(name).bias"].map { $0[...] }
        if let expert {
            let count = Int(number("expert_count", 1))
            weight = weight[expert * weight.count / count..<(expert + 1) * weight.count / count]
            bias = bias.map { $0[expert * $0.count / count..<(expert + 1) * $0.count / count] }
        }
        let rows = weight.count / x.count
        return weight.withUnsafeBufferPointer { weight in
            x.withUnsafeBufferPointer { x in
                (0..<rows).map { row in
                    var sum = 0.0
                    for column in 0..<x.count {
                        sum += Double(weight[row * x.count + column]) * x[column]
                    }
                    return sum + Double(bias.map { $0[$0.startIndex + row] } ?? 0)
                }
            }
        }
    }

    private func projections(_ x: [Double], _ name: String) -> ([Double], [Double], [Double]) {
        if tensors["\(name)attn_qkv.weight"] != nil {
            let all = product("\(name)attn_qkv", x)
            let (queries, keys) = (headCount * headLength, keyHeadCount * headLength)
            return (
                Array(all[..<queries]), Array(all[queries..<queries + keys]),
                Array(all[(queries + keys)...])
            )
        }
        return (
            product("\(name)attn_q", x), product("\(name)attn_k", x), product("\(name)attn_v", x)
        )
    }

    // MARK: Attention

    /// Norms the heads and rotates them.
    private func turn(_ x: inout [Double], _ layer: Int, _ position: Int, isQuery: Bool) {
        let name = "blk.\(layer).attn_\(isQuery ? "q" : "k")_norm.weight"
        if let weight = tensors[name] {
            x = stride(from: 0, to: x.count, by: weight.count).flatMap {
                norm(Array(x[$0..<$0 + weight.count]), weight, nil)
            }
        }
        guard traits.isRotated(layer) else { return }
        let isLocal = traits.isWindowed(layer)
        let pairs = Int(number("rope.dimension_count", Double(headLength))) / 2
        if isQuery, number("attention.temperature_scale", 0) > 0 {
            let length = Int(number("rope.scaling.original_context_length", 1))
            let steps = log(1 + Double(position / length))
            let factor = 1 + number("attention.temperature_scale", 0) * steps
            for index in x.indices { x[index] *= factor }
        }
        let growth = isLocal && !traits.scalesWindowedRotation ? 1 : yarnGrowth
        for pair in 0..<pairs {
            let angle = Double(position) * frequency(pair, pairs, isLocal)
            let (c, s) = (cos(angle) * growth, sin(angle) * growth)
            for head in stride(from: 0, to: x.count, by: headLength) {
                let first = head + (traits.pairsNeighbours ? 2 * pair : pair)
                let second = traits.pairsNeighbours ? first + 1 : first + pairs
                let (a, b) = (x[first], x[second])
                x[first] = a * c - b * s
                x[second] = a * s + b * c
            }
        }
    }

    private var yarnGrowth: Double {
        guard isYarn else { return 1 }
        let growth = log(number("rope.scaling.factor", 1)) / 10
        return (1 + growth) / (1 + number("rope.scaling.yarn_log_multiplier", 0) * growth)
    }

    private func frequency(_ pair: Int, _ pairs: Int, _ isLocal: Bool) -> Double {
        var base = number("rope.freq_base", 10_000)
        if isLocal { base = number("rope.freq_base_swa", base) }
        let factors = tensors["rope_freqs.weight"]
        let plain = pow(base, -Double(pair) / Double(pairs)) / Double(factors?[pair] ?? 1)
        if isLocal, !traits.scalesWindowedRotation { return plain }
        let factor = number("rope.scaling.factor", 1)
        guard isYarn else { return plain / factor }
        func bound(_ turns: Double) -> Double {
            let length = number("rope.scaling.original_context_length", 1)
            return Double(pairs) * log(length / (turns * 2 * .pi)) / log(base)
        }
        var low = bound(number("rope.scaling.yarn_beta_fast", 32))
        var high = bound(number("rope.scaling.yarn_beta_slow", 1))
        if traits.roundsYarn { (low, high) = (low.rounded(.down), high.rounded(.up)) }
        (low, high) = (max(0, low), min(Double(2 * pairs - 1), high))
        let share = min(1, max(0, (Double(pair) - low) / max(0.001, high - low)))
        return plain * (1 - share) + plain / factor * share
    }

    private func attend(
        _ query: [Double],
        _ keys: [[Double]],
        _ values: [[Double]],
        _ layer: Int
    ) -> [Double] {
        let group = headCount / keyHeadCount
        let window = Int(number("attention.sliding_window", 0))
        let first = traits.isWindowed(layer) ? max(0, keys.count - window) : 0
        let scale = number("attention.scale", 1 / Double(headLength).squareRoot())
        let cap = number("attn_logit_softcapping", 0)
        return (0..<headCount).flatMap { head in
            let shared = head / group * headLength
            var scores = keys[first...].map { key in
                let score = (0..<headLength).reduce(0.0) {
                    $0 + query[head * headLength + $1] * key[shared + $1]
                }
                return cap > 0 ? cap * tanh(score * scale / cap) : score * scale
            }
            if let sinks = tensors["blk.\(layer).attn_sinks.weight"] {
                scores.append(Double(sinks[head]))
            }
            let weights = softmax(scores)
            return (0..<headLength).map { index in
                zip(weights, values[first...]).reduce(0.0) { $0 + $1.0 * $1.1[shared + index] }
            }
        }
    }

    private func softmax(_ scores: [Double]) -> [Double] {
        let maximum = scores.max() ?? 0
        let weights = scores.map { exp($0 - maximum) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    // MARK: Feed-forward

    private func feedForward(_ x: [Double], _ name: String) -> [Double] {
        guard tensors["\(name)ffn_gate_inp.weight"] != nil else {
            return product("\(name)ffn_down", inner(x, "\(name)ffn_%", nil))
        }
        var sum = [Double](repeating: 0, count: width)
        for (expert, weight) in chosen(product("\(name)ffn_gate_inp", x)) {
            let hidden = inner(x, "\(name)ffn_%_exps", expert)
            let output = product("\(name)ffn_down_exps", hidden, expert: expert)
            for index in sum.indices { sum[index] += weight * output[index] }
        }
        if let gate = tensors["\(name)ffn_gate_inp_shexp.weight"] {
            let opening = 1 / (1 + exp(-zip(gate, x).reduce(0.0) { $0 + Double($1.0) * $1.1 }))
            let output = product("\(name)ffn_down_shexp", inner(x, "\(name)ffn_%_shexp", nil))
            for index in sum.indices { sum[index] += opening * output[index] }
        }
        return sum
    }

    /// The experts of a row and what their outputs weigh.
    private func chosen(_ logits: [Double]) -> [(Int, Double)] {
        let count = Int(number("expert_used_count", 1))
        let order = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }.prefix(count)
        if !traits.normalisesExperts {
            let all = softmax(logits)
            return order.map { ($0, all[$0]) }
        }
        return Array(zip(order, softmax(order.map { logits[$0] })))
    }

    /// Up to the second product; `%` stands for the tensors' part of the name.
    private func inner(_ x: [Double], _ pattern: String, _ expert: Int?) -> [Double] {
        func product(_ part: String) -> [Double] {
            self.product(
                pattern.replacingOccurrences(of: "%", with: part),
                x,
                expert: expert
            )
        }
        var up = product("up")
        var gate: [Double]?
        if tensors[pattern.replacingOccurrences(of: "%", with: "gate") + ".weight"] != nil {
            gate = product("gate")
        } else if traits.isGateFused {
            gate = Array(up[..<(up.count / 2)])
            up = Array(up[(up.count / 2)...])
        }
        guard let gate else { return up.map(traits.activated) }
        return zip(gate, up).map { traits.gated($0, $1) }
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

import Foundation
import Sampling

/// The rules of `Sampler` in the plainest way: sort everything, use doubles.
struct PlainSampler {
    var parameters: SamplingParameters
    var prompt: [Int32] = []
    var output: [Int32] = []
    /// Tokens that no repetition reaches over.
    var breakers: Set<Int32> = []

    typealias Distribution = [(id: Int, probability: Double)]

    /// The ids that may be drawn with their probabilities, in the order of ids: with and without top
    /// choices, as often as the parameters say.
    func distribution(_ logits: [Float]) -> Distribution {
        let all = filtered(logits)
        let rest = withoutTopChoices(all)
        let often = Double(parameters.xtc.probability)
        return all.compactMap { id, probability in
            let left = rest.first { $0.id == id }?.probability ?? 0
            let mixed = probability * (1 - often) + left * often
            return mixed > 0 ? (id, mixed) : nil
        }
    }

    private func withoutTopChoices(_ tokens: Distribution) -> Distribution {
        let top = tokens.filter { $0.probability >= Double(parameters.xtc.threshold) }
        let last = top.min { ($0.probability, $1.id) < ($1.probability, $0.id) }?.id
        let rest = tokens.filter { token in
            token.id == last || !top.contains { $0.id == token.id }
        }
        let total = rest.reduce(0) { $0 + $1.probability }
        return rest.map { ($0.id, $0.probability / total) }
    }

    private func filtered(_ logits: [Float]) -> Distribution {
        let changed = changedLogits(logits)
        let maximum = changed.max() ?? 0
        var ranked = changed.enumerated().map { id, logit in
            (id: id, weight: exp(Double(logit - maximum) / Double(parameters.temperature)))
        }
        ranked.sort { ($1.weight, $0.id) < ($0.weight, $1.id) }
        if parameters.topK > 0 { ranked = Array(ranked.prefix(parameters.topK)) }
        if parameters.typicalP < 1 { ranked = typical(ranked) }
        let goal = ranked.reduce(0) { $0 + $1.weight } * Double(parameters.topP)
        var mass = 0.0
        var count = 0
        while count < ranked.count, count == 0 || mass < goal {
            mass += ranked[count].weight
            count += 1
        }
        if parameters.topP < 1 { ranked = Array(ranked.prefix(count)) }
        let floor = Double(parameters.minP) * (ranked.first?.weight ?? 0)
        ranked.removeAll { $0.weight < floor }
        let total = ranked.reduce(0) { $0 + $1.weight }
        return ranked.sorted { $0.id < $1.id }.map { ($0.id, $0.weight / total) }
    }

    private func typical(_ ranked: [(id: Int, weight: Double)]) -> [(id: Int, weight: Double)] {
        let total = ranked.reduce(0) { $0 + $1.weight }
        func surprise(_ weight: Double) -> Double { -log(weight / total) }
        let entropy = ranked.reduce(0) { $0 + $1.weight / total * surprise($1.weight) }
        func deviation(_ weight: Double) -> Double { abs(surprise(weight) - entropy) }
        var mass = 0.0
        var limit = 0.0
        for token in ranked.sorted(by: { deviation($0.weight) < deviation($1.weight) }) {
            if limit > 0, mass >= Double(parameters.typicalP) * total { break }
            mass += token.weight
            limit = deviation(token.weight)
        }
        return ranked.filter { deviation($0.weight) <= limit }
    }

    /// What repeating the longest earlier sequence costs each token, by trying all of them.
    private func repetitionPenalties() -> [Int32: Float] {
        let tokens = Array((prompt + output).suffix(parameters.dry.window))
        var penalties: [Int32: Float] = [:]
        for next in tokens.indices.dropFirst() {
            var length = 0
            while length < next, tokens[next - 1 - length] == tokens[tokens.count - 1 - length],
                !breakers.contains(tokens[tokens.count - 1 - length])
            {
                length += 1
            }
            guard length >= max(1, parameters.dry.allowedLength) else { continue }
            let exponent = Float(length - parameters.dry.allowedLength)
            let penalty = parameters.dry.multiplier * powf(parameters.dry.base, exponent)
            penalties[tokens[next]] = max(penalties[tokens[next]] ?? 0, min(penalty, 1e9))
        }
        return penalties
    }

    func changedLogits(_ logits: [Float]) -> [Float] {
        var logits = logits
        for token in Set((prompt + output).suffix(parameters.penaltyWindow)) {
            let logit = logits[Int(token)]
            logits[Int(token)] =
                logit > 0
                ? logit / parameters.repetitionPenalty : logit * parameters.repetitionPenalty
        }
        for token in Set(output) {
            let count = Float(output.count { $0 == token })
            logits[Int(token)] -=
                count * parameters.frequencyPenalty + parameters.presencePenalty
        }
        for (token, penalty) in repetitionPenalties() { logits[Int(token)] -= penalty }
        for (token, bias) in parameters.logitBias { logits[Int(token)] += bias }
        return logits
    }
}

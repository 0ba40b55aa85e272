import Foundation
import Sampling

/// The rules of `Sampler` in the plainest way: sort everything, use doubles.
struct PlainSampler {
    var parameters: SamplingParameters
    var prompt: [Int32] = []
    var output: [Int32] = []

    /// The ids that may be drawn with their probabilities, in the order of ids.
    func distribution(_ logits: [Float]) -> [(id: Int, probability: Double)] {
        let changed = changedLogits(logits)
        let maximum = changed.max() ?? 0
        var ranked = changed.enumerated().map { id, logit in
            (id: id, weight: exp(Double(logit - maximum) / Double(parameters.temperature)))
        }
        ranked.sort { ($1.weight, $0.id) < ($0.weight, $1.id) }
        if parameters.topK > 0 { ranked = Array(ranked.prefix(parameters.topK)) }
        let goal = ranked.reduce(0) { $0 + $1.weight } * Double(parameters.topP)
        var mass = 0.0
        var count = 0
        while count < ranked.count, count == 0 || mass < goal {
            mass += ranked[count].weight
            count += 1
        }
        if parameters.topP < 1 { ranked = Array(ranked.prefix(count)) }
        ranked.removeAll { $0.weight < Double(parameters.minP) }
        let total = ranked.reduce(0) { $0 + $1.weight }
        return ranked.sorted { $0.id < $1.id }.map { ($0.id, $0.weight / total) }
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
        for (token, bias) in parameters.logitBias { logits[Int(token)] += bias }
        return logits
    }
}

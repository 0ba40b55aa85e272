import Sampling
import Testing

@Suite struct SamplingParametersTests {
    @Test func `the defaults are neutral and valid`() {
        #expect(SamplingParameters().violation() == nil)
    }

    @Test(arguments: [
        ("temperature", SamplingParameters(temperature: -1)),
        ("temperature", SamplingParameters(temperature: .nan)),
        ("top_p", SamplingParameters(topP: 1.5)),
        ("top_k", SamplingParameters(topK: -1)),
        ("min_p", SamplingParameters(minP: -.infinity)),
        ("typical_p", SamplingParameters(typicalP: 1.1)),
        ("xtc_probability", SamplingParameters(xtc: XTCParameters(probability: .nan))),
        ("xtc_threshold", SamplingParameters(xtc: XTCParameters(threshold: -0.1))),
        ("dry_multiplier", SamplingParameters(dry: DRYParameters(multiplier: .infinity))),
        ("dry_base", SamplingParameters(dry: DRYParameters(base: 0.9))),
        ("dry_allowed_length", SamplingParameters(dry: DRYParameters(allowedLength: -1))),
        ("dry_penalty_last_n", SamplingParameters(dry: DRYParameters(window: -1))),
        (
            "dry_sequence_breakers",
            SamplingParameters(
                dry: DRYParameters(sequenceBreakers: [String(repeating: "a", count: 65)])
            )
        ),
        (
            "dry_sequence_breakers",
            SamplingParameters(
                dry: DRYParameters(sequenceBreakers: Array(repeating: "a", count: 33))
            )
        ),
        ("repeat_penalty", SamplingParameters(repetitionPenalty: 0)),
        ("presence_penalty", SamplingParameters(presencePenalty: 3)),
        ("frequency_penalty", SamplingParameters(frequencyPenalty: .nan)),
        ("repeat_last_n", SamplingParameters(penaltyWindow: -1)),
        ("logit_bias", SamplingParameters(logitBias: [1: 101])),
        ("logit_bias", SamplingParameters(logitBias: [-1: 1])),
    ])
    func `a value outside its range is named`(name: String, parameters: SamplingParameters) {
        #expect(parameters.violation()?.parameter == name)
    }
}

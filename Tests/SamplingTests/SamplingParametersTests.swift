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

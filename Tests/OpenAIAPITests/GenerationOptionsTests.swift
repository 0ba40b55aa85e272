import JSON
import OpenAIAPI
import Sampling
import Testing
import WorkerProtocol

@Suite struct GenerationOptionsTests {
    @Test func `reads every sampling parameter`() throws {
        let request = try chat(
            #"""
            "temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.05,"presence_penalty":1,
            "frequency_penalty":-1,"repetition_penalty":1.25,"repeat_last_n":10,
            "logit_bias":{"17":-100,"3":1.5},"seed":-1,"ignore_eos":true,"max_tokens":9
            """#
        )
        let sampling = request.options.sampling
        #expect(sampling.temperature == 0.5 && sampling.topP == 0.9 && sampling.topK == 40)
        #expect(sampling.minP == 0.05 && sampling.presencePenalty == 1)
        #expect(sampling.frequencyPenalty == -1 && sampling.repetitionPenalty == 1.25)
        #expect(sampling.penaltyWindow == 10 && sampling.logitBias == [17: -100, 3: 1.5])
        #expect(sampling.seed == UInt64.max && request.options.ignoresEndOfGeneration)
        #expect(request.options.maximumOutputTokens == 9)
    }

    @Test func `reads llama-server's samplers under its names`() throws {
        let sampling = try chat(
            #"""
            "typical_p":0.5,"xtc_probability":0.25,"xtc_threshold":0.125,"dry_multiplier":2,
            "dry_base":3,"dry_allowed_length":4,"dry_penalty_last_n":5,
            "dry_sequence_breakers":["a",""],"repeat_last_n":-1
            """#
        ).options.sampling
        #expect(sampling.typicalP == 0.5)
        #expect(sampling.xtc == XTCParameters(probability: 0.25, threshold: 0.125))
        #expect(
            sampling.dry
                == DRYParameters(
                    multiplier: 2,
                    base: 3,
                    allowedLength: 4,
                    window: 5,
                    sequenceBreakers: ["a", ""]
                )
        )
        #expect(sampling.penaltyWindow == Int(Int32.max))
        #expect(try chat(#""dry_penalty_last_n":-1"#).options.sampling.dry == DRYParameters())
    }

    @Test func `reads the fewest output tokens, no more than the most`() throws {
        #expect(try chat(#""min_tokens":3,"max_tokens":3"#).options.minimumOutputTokens == 3)
        let error = #expect(throws: APIError.self) { try chat(#""min_tokens":4,"max_tokens":3"#) }
        #expect(error?.parameter == "min_tokens")
    }

    @Test func `samples mildly when the request says nothing, and obeys what it says`() throws {
        let silent = try chat(#""temperature":null"#).options.sampling
        #expect(silent.temperature == 0.8 && silent.topP == 0.95)
        #expect(silent.topK == 40 && silent.minP == 0.05)
        let neutral = try chat(#""temperature":1,"top_p":1,"top_k":0,"min_p":0"#).options.sampling
        #expect(neutral == SamplingParameters())
    }

    @Test func `lets max_completion_tokens win over max_tokens`() throws {
        let request = try chat(#""max_completion_tokens":3,"max_tokens":5"#)
        #expect(request.options.maximumOutputTokens == 3)
    }

    @Test(arguments: ["9007199254740991", "9223372036854775807", "1e12"])
    func `takes a huge output limit as the largest there is`(_ limit: String) throws {
        let request = try chat("\"max_tokens\":\(limit)")
        #expect(request.options.maximumOutputTokens == Int(Int32.max))
    }

    @Test(arguments: [
        ("temperature", "2.1"), ("temperature", "-0.1"), ("temperature", "\"1\""),
        ("top_p", "1.01"), ("top_k", "-2"), ("top_k", "1.5"), ("min_p", "2"),
        ("typical_p", "1.1"), ("xtc_probability", "2"), ("xtc_threshold", "-1"),
        ("dry_multiplier", "-1"), ("dry_base", "0.5"), ("dry_allowed_length", "-1"),
        ("dry_penalty_last_n", "-2"), ("dry_sequence_breakers", "\"a\""),
        ("dry_sequence_breakers", "[1]"), ("repeat_last_n", "-2"), ("min_tokens", "-1"),
        ("presence_penalty", "2.5"), ("frequency_penalty", "-3"), ("max_tokens", "0"),
        ("max_tokens", "-1"), ("max_tokens", "1e300"),
        ("n", "0"), ("n", "9"), ("n", "-1"), ("n", "true"), ("seed", "1.5"), ("seed", "1e30"),
        ("stream", "\"true\""), ("stream", "1"), ("stop", "[1]"), ("stop", "3"),
        ("stop", #"["a","b","c","d","e"]"#), ("logit_bias", #"{"x":1}"#),
        ("logit_bias", #"{"-1":1}"#), ("logit_bias", #"{"1":101}"#), ("logit_bias", "[]"),
        ("top_logprobs", "2"), ("logprobs", "1"), ("stream_options", "{}"),
        ("chat_template_kwargs", #"{"messages":1}"#), ("chat_template_kwargs", #"{"a":[]}"#),
    ])
    func `refuses a value outside its range and names it`(_ name: String, _ value: String) {
        let error = #expect(throws: APIError.self) { try chat("\"\(name)\":\(value)") }
        #expect(error?.status == 400)
        #expect(error?.parameter?.hasPrefix(name) == true)
        #expect(error?.code != nil)
    }

    @Test(arguments: [("\"a\"", ["a"]), ("[\"a\",\"bc\"]", ["a", "bc"]), ("\"\"", []), ("[]", [])])
    func `reads stop strings`(_ value: String, _ strings: [String]) throws {
        #expect(try chat("\"stop\":\(value)").options.stopStrings == strings)
    }

    @Test func `asks for the usage of a stream only when told to`() throws {
        let plain = try chat(#""stream":true"#)
        let full = try chat(#""stream":true,"stream_options":{"include_usage":true}"#)
        #expect(plain.options.streams && !plain.options.includesUsage)
        #expect(full.options.includesUsage)
    }

    @Test func `gives each choice a seed of its own`() throws {
        let seeds = try chat(#""n":3,"seed":7"#).generations().map(\.sampling.seed)
        #expect(seeds == [7, 8, 9])
    }

    @Test func `asks for log-probabilities with as many alternatives as wanted`() throws {
        #expect(try chat(#""logprobs":true"#).topLogprobCount == 0)
        #expect(try chat(#""logprobs":true,"top_logprobs":20"#).topLogprobCount == 20)
        #expect(try chat(#""logprobs":false,"top_logprobs":0"#).topLogprobCount == nil)
        #expect(throws: APIError.self) { try chat(#""logprobs":true,"top_logprobs":21"#) }
    }

    private func chat(_ members: String) throws -> ChatCompletionRequest {
        let text = #"{"model":"m","messages":[{"role":"user","content":"x"}],"# + members + "}"
        return try ChatCompletionRequest.parse(try JSONValue.parse(text))
    }
}

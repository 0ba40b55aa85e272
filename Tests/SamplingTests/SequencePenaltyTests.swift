import TestSupport
import Testing

@testable import Sampling

@Suite struct SequencePenaltyTests {
    /// Penalties after a text of one-byte tokens.
    static func penalties(
        _ text: String,
        _ parameters: DRYParameters = DRYParameters(multiplier: 1, base: 2, allowedLength: 2)
    ) -> [String: Float] {
        let tokens = text.utf8.map { Int32($0) }
        let penalty = SequencePenalty(parameters: parameters, prompt: tokens) { [UInt8($0)] }
        return Dictionary(
            uniqueKeysWithValues: penalty.penalties().map { token, value in
                (String(decoding: [UInt8(token)], as: UTF8.self), value)
            }
        )
    }

    @Test func `what would repeat a sequence costs more the longer it is`() {
        #expect(Self.penalties("abcdeab") == ["c": 1])
        #expect(Self.penalties("abcdeabc") == ["d": 2])
        #expect(Self.penalties("abcdeabcd") == ["e": 4])
        #expect(Self.penalties("abcdeb") == [:])
        #expect(Self.penalties("") == [:])
    }

    @Test func `of several repetitions the longest counts`() {
        #expect(Self.penalties("xabc yabc zab") == ["c": 1])
        #expect(Self.penalties("xabd yabc yab") == ["c": 4, "d": 1])
    }

    @Test func `a repetition reaches over no sequence breaker`() {
        #expect(Self.penalties("ab\ncab\n") == [:])
        #expect(Self.penalties("ab\ncdab\nc") == [:])
        #expect(Self.penalties("ab\ncdeab\ncd") == ["e": 1])
        let none = DRYParameters(multiplier: 1, base: 2, sequenceBreakers: [])
        #expect(Self.penalties("ab\ncab\n", none) == ["c": 2])
        let long = DRYParameters(multiplier: 1, base: 2, sequenceBreakers: ["b->"])
        #expect(Self.penalties("ab->cdab->", long) == [:])
        #expect(Self.penalties("ab->cdeab->cd", long) == ["e": 1])
        #expect(Self.penalties("ab-cdeab-cd", long) == ["e": 8])
    }

    @Test func `only the window is looked at`() {
        let window = DRYParameters(multiplier: 1, base: 2, window: 7)
        #expect(Self.penalties("abcdeab", window) == ["c": 1])
        #expect(Self.penalties("abcdefab", window) == [:])
        #expect(Self.penalties("abcab", DRYParameters(multiplier: 1, window: 0)) == [:])
    }

    @Test func `a penalty stays finite`() {
        let text = String(repeating: "ab", count: 400)
        let penalty = Self.penalties(text, DRYParameters(multiplier: 100, base: 100))["a"]
        #expect(penalty?.isFinite == true)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `agrees with trying every sequence, token by token`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parameters = DRYParameters(
            multiplier: 1,
            base: 1.5,
            allowedLength: random.int(in: 0...3),
            window: random.int(in: 0...30),
            sequenceBreakers: random.chance(0.5) ? ["\u{1}"] : []
        )
        let prompt = (0..<random.int(in: 0...40)).map { _ in Int32(random.int(in: 0...3)) }
        var penalty = SequencePenalty(parameters: parameters, prompt: prompt) { [UInt8($0)] }
        var plain = PlainSampler(parameters: SamplingParameters(dry: parameters), prompt: prompt)
        plain.breakers = parameters.sequenceBreakers.isEmpty ? [] : [1]
        for _ in 0..<200 {
            let token = Int32(random.int(in: 0...3))
            penalty.accept(token)
            plain.output.append(token)
            var logits: [Float] = [0, 0, 0, 0]
            for (token, value) in penalty.penalties() { logits[Int(token)] -= value }
            #expect(logits == plain.changedLogits([0, 0, 0, 0]))
        }
    }
}

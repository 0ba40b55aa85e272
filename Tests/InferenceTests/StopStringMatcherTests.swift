import TestSupport
import Testing

@testable import Inference

@Suite struct StopStringMatcherTests {
    static func run(
        _ stops: [String],
        _ pieces: [[UInt8]]
    ) -> (text: String, isComplete: Bool, heldAtMost: Int) {
        var matcher = StopStringMatcher(stops)
        var released: [UInt8] = []
        var given = 0
        var held = 0
        for piece in pieces {
            given += piece.count
            let (more, isComplete) = matcher.append(piece)
            released += more
            if isComplete { return (String(decoding: released, as: UTF8.self), true, held) }
            held = max(held, given - released.count)
        }
        released += matcher.finish()
        return (String(decoding: released, as: UTF8.self), false, held)
    }

    @Test(arguments: [
        (["END"], "no stop here", "no stop here", false),
        (["END"], "a EN b END c", "a EN b ", true),
        (["aab"], "aaaaab", "aaa", true),
        (["abab"], "abaabab!", "aba", true),
        (["\n\n", "\n-"], "x\n\ny", "x", true),
        (["abcd", "bc"], "xabcd", "xa", true),
        (["bc", "abc"], "xabc", "x", true),
        (["é"], "caf\u{e9}s", "caf", true),
        (["🙂"], "a😀b", "a😀b", false),
        ([], "all of it", "all of it", false),
        (["it!"], "all of it", "all of it", false),
    ])
    func `ends before the stop string that is complete first`(
        stops: [String],
        text: String,
        expected: String,
        isComplete: Bool
    ) {
        let bytes = Array(text.utf8)
        // Every way to cut the text into two, and into single bytes.
        for cut in 0...bytes.count {
            let result = Self.run(stops, [Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(result.text == expected)
            #expect(result.isComplete == isComplete)
        }
        let result = Self.run(stops, bytes.map { [$0] })
        #expect(result.text == expected)
        #expect(result.isComplete == isComplete)
    }

    @Test func `holds back only what may become a stop string`() {
        #expect(Self.run(["</s>"], ["abc", "def", "< /s"].map { Array($0.utf8) }).heldAtMost == 0)
        #expect(Self.run(["</s>"], ["abc</", "/"].map { Array($0.utf8) }).heldAtMost == 2)
        #expect(Self.run(["aaaa", "b"], ["xaaa", "c"].map { Array($0.utf8) }).heldAtMost == 3)
    }

    @Test func `agrees with a plain search on random texts`() {
        for seed in 0..<2000 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            func word(_ lengths: ClosedRange<Int>) -> [UInt8] {
                (0..<Int.random(in: lengths, using: &random)).map { _ in
                    UInt8(ascii: "a") + UInt8.random(in: 0...1, using: &random)
                }
            }
            let stops = (0..<Int.random(in: 1...3, using: &random)).map { _ in word(1...5) }
            let text = word(0...30)
            var expected = text
            search: for end in 0...text.count {
                let seen = text[..<end]
                let matching = stops.filter { seen.suffix($0.count) == $0[...] }
                if let longest = matching.map(\.count).max() {
                    expected = Array(text[..<(end - longest)])
                    break search
                }
            }
            var pieces: [[UInt8]] = []
            var rest = text[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...4, using: &random)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let result = Self.run(stops.map { String(decoding: $0, as: UTF8.self) }, pieces)
            #expect(Array(result.text.utf8) == expected, "seed \(seed)")
            #expect(result.heldAtMost < (stops.map(\.count).max() ?? 0) || text.isEmpty)
        }
    }
}

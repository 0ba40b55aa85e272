import Testing
import WorkerProtocol

@testable import Inference

@Suite struct OutputAssemblerTests {
    static func logprob(_ token: Int32) -> TokenLogprob {
        TokenLogprob(token: token, bytes: [], logprob: -1)
    }

    static func content(_ event: GenerationEvent?) -> (text: String, tokens: [Int32]) {
        guard case .delta(let text, let tokens)? = event else { return ("", []) }
        return (text, tokens.map(\.token))
    }

    @Test func `a character leaves when its last byte has come`() throws {
        var output = OutputAssembler(tokenizer: try TinyTokenizer.make(), stopStrings: [])
        var texts: [String] = []
        for byte in Array("a€b".utf8) {
            let ends1 = output.append(Int32(byte), logprob: nil)
            #expect(!ends1)
            texts.append(Self.content(output.takeDeltas().first).text)
        }
        #expect(texts == ["a", "", "", "€", "b"])
        let delta2 = output.takeDeltas().first
        #expect(delta2 == nil)
    }

    @Test func `an incomplete character at the end is left out`() throws {
        var output = OutputAssembler(tokenizer: try TinyTokenizer.make(), stopStrings: ["ax"])
        _ = output.append(Int32(UInt8(ascii: "a")), logprob: nil)
        _ = output.append(0xE2, logprob: nil)
        output.finish(isCut: true)
        let text = Self.content(output.takeDeltas().first).text
        #expect(text == "a")
    }

    @Test func `tokens wait for their text and those of a stop string never leave`() throws {
        var output = OutputAssembler(tokenizer: try TinyTokenizer.make(), stopStrings: ["cd"])
        var deltas: [(text: String, tokens: [Int32])] = []
        for character in "abcxcd" {
            let token = Int32(character.asciiValue ?? 0)
            let isComplete = output.append(token, logprob: Self.logprob(token))
            #expect(isComplete == (character == "d"))
            deltas.append(Self.content(output.takeDeltas().first))
        }
        output.finish(isCut: true)
        let delta3 = output.takeDeltas().first
        #expect(delta3 == nil)
        #expect(deltas.map(\.text) == ["a", "b", "", "cx", "", ""])
        #expect(deltas.map(\.tokens) == [[97], [98], [], [99, 120], [], []])
    }

    @Test func `a token that straddles the stop string is reported`() throws {
        let tokenizer = try TinyTokenizer.make()
        let hello = tokenizer.encode("hello", specialTokens: false)
        #expect(hello.count == 1)
        var output = OutputAssembler(tokenizer: tokenizer, stopStrings: ["llo"])
        let ends4 = output.append(hello[0], logprob: Self.logprob(hello[0]))
        #expect(ends4)
        let (text, tokens) = Self.content(output.takeDeltas().first)
        #expect(text == "he")
        #expect(tokens == hello)
    }

    @Test func `nothing follows a stop string, not even half a character`() throws {
        var output = OutputAssembler(tokenizer: try TinyTokenizer.make(), stopStrings: ["."])
        let ends5 = output.append(0xE2, logprob: nil)
        #expect(!ends5)
        let ends6 = output.append(Int32(UInt8(ascii: ".")), logprob: nil)
        #expect(ends6)
        let text = Self.content(output.takeDeltas().first).text
        #expect(text == "\u{FFFD}")
        output.finish(isCut: true)
        let delta7 = output.takeDeltas().first
        #expect(delta7 == nil)
    }

    @Test func `stop strings are not looked for in an echoed prompt`() throws {
        var output = OutputAssembler(tokenizer: try TinyTokenizer.make(), stopStrings: ["ab"])
        output.echo(97, logprob: nil)
        output.echo(98, logprob: nil)
        let text = Self.content(output.takeDeltas().first).text
        #expect(text == "ab")
        let ends8 = output.append(98, logprob: nil)
        #expect(!ends8)
        let more = Self.content(output.takeDeltas().first).text
        #expect(more == "b")
    }
}

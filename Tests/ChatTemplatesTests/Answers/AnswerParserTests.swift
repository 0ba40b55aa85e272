import ChatTemplates
import JSON
import TestSupport
import Testing

@Suite struct AnswerParserTests {
    @Test(arguments: AnswerCase.wellFormed)
    func `tells content, reasoning and calls apart however the answer is cut`(answer: AnswerCase)
        throws
    {
        for streamsCalls in [false, true] {
            let parser = answer.parser(streamsCalls: streamsCalls)
            let whole = ParsedAnswer([Array(answer.text.utf8)[...]], parser)
            #expect(String(decoding: whole.content, as: UTF8.self) == answer.content)
            #expect(String(decoding: whole.reasoning, as: UTF8.self) == answer.reasoning)
            #expect(whole.calls.map(\.name) == answer.calls.map(\.0), "\(whole)")
            for (call, expected) in zip(whole.calls, answer.calls) {
                #expect(try JSONValue.parse(call.arguments) == expected.1, "\(whole)")
                #expect(call.isWhole)
            }
            for cut in cuts(answer.text) {
                let parsed = ParsedAnswer(cut, parser)
                guard parsed == whole, parsed.hasTruePositions else {
                    Issue.record("cut \(cut.map(\.count)): \(parsed), not \(whole)")
                    break
                }
            }
        }
    }

    @Test(arguments: AnswerCase.malformed.indices)
    func `loses nothing of what begins like a call and is none`(index: Int) {
        let (syntax, text) = AnswerCase.malformed[index]
        let parser = AnswerParser(syntax, tools: AnswerCase.tools)
        for cut in cuts(text) {
            let parsed = ParsedAnswer(cut, parser)
            #expect(parsed.calls.isEmpty && parsed.reasoning.isEmpty, "\(parsed)")
            guard parsed.content == Array(text.utf8), parsed.hasTruePositions else {
                Issue.record("cut \(cut.map(\.count)): \(parsed)")
                break
            }
        }
    }

    @Test(arguments: AnswerCase.wellFormed)
    func `gives a cut answer as far as it goes`(answer: AnswerCase) {
        let bytes = Array(answer.text.utf8)
        let whole = ParsedAnswer([bytes[...]], answer.parser())
        for streamsCalls in [false, true] {
            for end in bytes.indices {
                let parser = answer.parser(streamsCalls: streamsCalls)
                let parsed = ParsedAnswer([bytes[..<end]], parser, isCut: true)
                // Calls are a prefix of the whole answer's, the last one perhaps not whole.
                #expect(parsed.calls.count <= whole.calls.count)
                for (index, call) in parsed.calls.enumerated() {
                    let expected = whole.calls[index]
                    #expect(call.name == expected.name, "cut at \(end)")
                    #expect(expected.arguments.starts(with: call.arguments) || !call.isWhole)
                    #expect(call.isWhole || index == parsed.calls.count - 1)
                    if call.isWhole { #expect(call.arguments == expected.arguments) }
                }
            }
        }
    }

    @Test func `never shows the names of control tokens`() {
        let syntax = AnswerSyntax.detect(in: "[TOOL_CALLS][ARGS] {{ tools }}")
        let chunks = [
            "Hi ", "[TOOL_CALLS]", "clock", "[ARGS]", "{}", "[TOOL_CALLS]", "no call", "<|odd|>",
            "!",
        ].map { Array($0.utf8)[...] }
        let isControl: (ArraySlice<UInt8>) -> Bool = {
            $0.first == UInt8(ascii: "[") || $0.first == UInt8(ascii: "<")
        }
        let parsed = ParsedAnswer(chunks, AnswerParser(syntax), isControl: isControl)
        #expect(String(decoding: parsed.content, as: UTF8.self) == "Hino call!")
        #expect(parsed.calls.map(\.name) == ["clock"])
    }

    @Test func `holds back no more than a marker's beginning and the space before it`() {
        var parser = AnswerParser(AnswerSyntax(toolCalls: .hermes))
        let steps: [(String, String)] = [
            ("Hi", "Hi"), (" ", ""), ("you", " you"), ("\n\n<too", ""), ("l>", "\n\n<tool>"),
            ("<", ""), ("<", "<"), ("tool_callx", "<tool_callx"),
        ]
        for (text, expected) in steps {
            let pieces = parser.append(Array(text.utf8))
            var shown: [UInt8] = []
            for case .content(let bytes, _) in pieces { shown += bytes }
            #expect(String(decoding: shown, as: UTF8.self) == expected, "after \(text)")
        }
    }

    @Test func `lets arguments out as they come when the call is sure`() {
        var parser = AnswerParser(AnswerSyntax(toolCalls: .hermes), streamsCalls: true)
        #expect(parser.append(Array("<tool_call>{\"name\": \"clo".utf8)) == [])
        #expect(parser.append(Array("ck\", ".utf8)) == [.callStarted(name: "clock")])
        #expect(
            parser.append(Array("\"arguments\": {\"a\"".utf8)) == [
                .callArguments(Array("{\"a\"".utf8))
            ]
        )
        #expect(
            parser.append(Array(":1}}".utf8)) == [.callArguments(Array(":1}".utf8)), .callEnded]
        )
    }

    @Test func `ends the answer after as many calls as are allowed`() {
        let text =
            #"<tool_call>{"name": "clock"}</tool_call><tool_call>{"name": "clock"}</tool_call>x"#
        var parser = AnswerParser(AnswerSyntax(toolCalls: .hermes), maximumCallCount: 1)
        var pieces: [AnswerPiece] = []
        for byte in text.utf8 where !parser.isComplete { pieces += parser.append([byte]) }
        pieces += parser.finish(isCut: false)
        #expect(
            pieces == [.callStarted(name: "clock"), .callArguments(Array("{}".utf8)), .callEnded]
        )
    }

    @Test func `knows when it is in the reasoning`() {
        let syntax = AnswerSyntax(reasoning: ReasoningSyntax(start: "<think>", end: "</think>"))
        var parser = AnswerParser(syntax, startsInReasoning: true)
        #expect(parser.isReasoning)
        _ = parser.append(Array("hm</think".utf8))
        #expect(parser.isReasoning && parser.decidedByteCount == 2)
        _ = parser.append(Array(">".utf8))
        #expect(!parser.isReasoning && parser.decidedByteCount == 10)
    }

    @Test func `survives any order of markers`() {
        let parts = [
            "<tool_call>", "</tool_call>", "{\"name\":\"clock\"", ",\"arguments\":{", "}", "}", "[",
            "]",
            "<think>", "</think>", " ", "\n", "x", "<", "\"", "<function=clock>",
            "<parameter=city>",
            "</parameter>", "</function>", "<|channel|>", "<|message|>", "analysis",
            "to=functions.f ",
            "<|end|>", "call:f{", "<escape>", ";", "<arg_key>", "</arg_key>", "<arg_value>", ">>>",
        ]
        var generator = SeededGenerator(seed: 7)
        for round in 0..<4000 {
            let answer = AnswerCase.wellFormed[round % AnswerCase.wellFormed.count]
            let count = Int.random(in: 1...14, using: &generator)
            let text = (0..<count).map { _ in parts.randomElement(using: &generator) ?? "" }
                .joined()
            let bytes = Array(text.utf8)
            let whole = ParsedAnswer([bytes[...]], answer.parser())
            let single = ParsedAnswer(bytes.indices.map { bytes[$0...$0] }, answer.parser())
            #expect(whole == single && whole.hasTruePositions, "\(answer.name): \(text)")
            for call in whole.calls where call.isWhole {
                #expect((try? JSONValue.parse(call.arguments))?.objectValue != nil, "\(text)")
            }
        }
    }
}

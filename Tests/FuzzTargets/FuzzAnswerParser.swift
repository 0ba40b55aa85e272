import ChatTemplates
import JSON

/// Reads arbitrary bytes as answers in every form, whole and cut at places taken from the input.
///
/// The pieces must be the same, content must be where it was, and whole calls must have arguments.
func fuzzAnswerParser(_ bytes: [UInt8]) {
    guard let choice = bytes.first else { return }
    let text = Array(bytes.dropFirst())
    let syntax = forms[Int(choice >> 2) % forms.count]
    let tools = [ToolFacts(name: "f", parameterTypes: ["a": ["string"], "b": ["integer"]])]
    func parse(_ cut: Int) -> [AnswerPiece] {
        var parser = AnswerParser(
            syntax,
            startsInReasoning: choice & 1 != 0,
            tools: tools,
            streamsCalls: choice & 2 != 0
        )
        var pieces = parser.append(Array(text[..<cut]))
        precondition(parser.decidedByteCount <= cut, "what has not come is decided")
        pieces += parser.append(Array(text[cut...]))
        return pieces + parser.finish(isCut: choice & 4 != 0)
    }
    let whole = Parts(parse(text.count), of: text)
    let cuts = [text.count / 2, text.isEmpty ? 0 : Int(text[0]) % text.count]
    for cut in cuts {
        precondition(Parts(parse(cut), of: text) == whole, "it matters how an answer is cut")
    }
}

private let forms: [AnswerSyntax] = [
    "<tool_call></think>", "JSON for a function call", "[TOOL_CALLS][ARGS]",
    "<tool_call><function=</parameter></think>", "<tool_call><arg_key>", "<minimax:tool_call>",
    "｜DSML｜function_calls", "<｜tool▁call▁begin｜>```json</think>",
    "<|tool_calls_section_begin|>", "<start_function_call>", "<|tool_call_start|>",
    "<|tools_prefix|>", "<|START_ACTION|><|END_THINKING|>", ">>>recipient",
    "<|channel|><|message|>",
].map { AnswerSyntax.detect(in: $0 + "tools") }

/// An answer's pieces, joined.
private struct Parts: Equatable {
    var content: [UInt8] = []
    var reasoning: [UInt8] = []
    var calls: [[UInt8]] = []

    init(_ pieces: [AnswerPiece], of text: [UInt8]) {
        for piece in pieces {
            switch piece {
            case .content(let bytes, let position):
                precondition(position + bytes.count <= text.count, "content comes from nowhere")
                precondition(text[position...].starts(with: bytes), "content is elsewhere")
                content += bytes
            case .reasoning(let bytes): reasoning += bytes
            case .callStarted(let name): calls.append(Array(name.utf8) + [0])
            case .callArguments(let bytes): calls[calls.count - 1] += bytes
            case .callEnded:
                let arguments = calls[calls.count - 1].drop { $0 != 0 }.dropFirst()
                // The limits and the encoding of JSON are checked elsewhere.
                if let value = try? JSONValue.parse(Array(arguments)) {
                    precondition(value.objectValue != nil, "arguments are an object")
                }
            }
        }
    }
}

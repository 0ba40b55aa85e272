import ChatTemplates
import JSON

/// An answer with its pieces joined.
struct ParsedAnswer: Equatable, CustomStringConvertible {
    struct Call: Equatable {
        var name: String
        var arguments: [UInt8] = []
        var isWhole = false

        static func == (left: Call, right: Call) -> Bool {
            left.name == right.name && left.isWhole == right.isWhole
                && left.arguments == right.arguments
        }
    }

    var content: [UInt8] = []
    var reasoning: [UInt8] = []
    var calls: [Call] = []
    /// Whether each piece of content is where it was in the answer.
    var hasTruePositions = true

    /// Parses an answer that comes in these pieces.
    init(
        _ chunks: [ArraySlice<UInt8>],
        _ parser: AnswerParser,
        isControl: (ArraySlice<UInt8>) -> Bool = { _ in false },
        isCut: Bool = false
    ) {
        var parser = parser
        let whole = chunks.flatMap { $0 }
        for chunk in chunks {
            for piece in parser.append(Array(chunk), isControl: isControl(chunk)) {
                take(piece, whole)
            }
        }
        for piece in parser.finish(isCut: isCut) { take(piece, whole) }
    }

    private mutating func take(_ piece: AnswerPiece, _ whole: [UInt8]) {
        switch piece {
        case .content(let bytes, let position):
            content += bytes
            let end = position + bytes.count
            if end > whole.count || Array(whole[position..<end]) != bytes {
                hasTruePositions = false
            }
        case .reasoning(let bytes): reasoning += bytes
        case .callStarted(let name): calls.append(Call(name: name))
        case .callArguments(let bytes): calls[calls.count - 1].arguments += bytes
        case .callEnded: calls[calls.count - 1].isWhole = true
        }
    }

    var description: String {
        let calls = calls.map { call in
            "\(call.name)(\(text(call.arguments)))\(call.isWhole ? "" : "…")"
        }
        return "content \(text(content).debugDescription), reasoning "
            + "\(text(reasoning).debugDescription), calls \(calls)"
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// Ways to cut a text: whole, byte by byte, in two at every place, and in three with a short middle.
func cuts(_ text: String) -> [[ArraySlice<UInt8>]] {
    let bytes = Array(text.utf8)
    var cuts = [[bytes[...]], bytes.indices.map { bytes[$0...$0] }]
    for index in bytes.indices.dropFirst() {
        cuts.append([bytes[..<index], bytes[index...]])
        for width in 1...2 where index + width < bytes.count {
            cuts.append([
                bytes[..<index], bytes[index..<(index + width)], bytes[(index + width)...],
            ])
        }
    }
    return cuts
}

/// An answer and what is in it.
struct AnswerCase: Sendable, CustomStringConvertible {
    var name: String
    var syntax: AnswerSyntax
    var text: String
    var content = ""
    var reasoning = ""
    /// Names and arguments, as JSON.
    var calls: [(String, JSONValue)] = []
    var startsInReasoning = false

    var description: String { name }

    /// The tools of all cases.
    static let tools = [
        ToolFacts(
            name: "get_weather",
            parameterTypes: ["city": ["string"], "days": ["integer", "null"], "zip": ["string"]]
        ),
        ToolFacts(name: "clock"),
    ]

    func parser(streamsCalls: Bool = false, maximumCallCount: Int = .max) -> AnswerParser {
        AnswerParser(
            syntax,
            startsInReasoning: startsInReasoning,
            tools: Self.tools,
            streamsCalls: streamsCalls,
            maximumCallCount: maximumCallCount
        )
    }
}

import ChatTemplates
import Grammars

extension ToolCallGrammar {
    /// White space between markers and what they mark.
    static let space = GrammarExpression.regex("[ \\n]{0,2}", path: "")

    /// A marker, of which the parts in brackets may be control tokens.
    static func marker(_ text: String) -> GrammarExpression {
        .sequence(parts(text).map(marker(part:)))
    }

    static func marker(part: String) -> GrammarExpression {
        part.first == "<" || part.first == "[" ? .controlToken(part) : .literal(part)
    }

    /// A marker's parts: what stands in brackets, and what stands between.
    static func parts(_ text: String) -> [String] {
        var parts: [String] = []
        var part = ""
        for character in text {
            if character == "<" || character == "[", !part.isEmpty {
                parts.append(part)
                part = ""
            }
            part.append(character)
            if character == ">" || character == "]" {
                parts.append(part)
                part = ""
            }
        }
        return part.isEmpty ? parts : parts + [part]
    }

    /// What follows the reasoning, with the reasoning before it.
    ///
    /// - Parameters:
    ///   - reasoning: How the model marks it; nil: it has none, or channels for it.
    ///   - hasBegun: Whether the prompt has begun it; otherwise the model may.
    ///   - rest: The answer without its reasoning.
    /// - Returns: The whole output.
    static func after(
        _ reasoning: ReasoningSyntax?,
        hasBegun: Bool,
        _ rest: GrammarExpression
    ) -> GrammarExpression {
        guard let reasoning else { return rest }
        let thought: [GrammarExpression] = [
            .text(notContaining: [reasoning.end], controlTokens: true), marker(reasoning.end),
            .regex("\\s{0,8}", path: ""),
        ]
        if hasBegun { return .sequence(thought + [rest]) }
        return .sequence([.optional(.sequence([marker(reasoning.start)] + thought)), rest])
    }
}

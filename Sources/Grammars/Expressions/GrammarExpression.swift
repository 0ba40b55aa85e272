package import JSON

/// What an output must look like: the form in which a grammar is asked for, composed and sent from
/// the gateway to a worker.
///
/// ``Grammar`` checks it and makes it usable. Paths are where in the request a part comes from, for
/// errors; they do not change what the expression means.
package indirect enum GrammarExpression: Sendable, Hashable {
    /// Exactly this text.
    case literal(String)
    /// The parts one after the other.
    case sequence([GrammarExpression])
    /// One of the parts; at least one must be given.
    case choice([GrammarExpression])
    /// The part `minimum` times or more, up to `maximum` (nil: without end).
    case repetition(GrammarExpression, minimum: Int, maximum: Int?)
    /// A text that an ECMAScript regular expression matches as a whole.
    case regex(String, path: String)
    /// A JSON text whose value is valid under a JSON Schema (draft 2020-12).
    case jsonSchema(JSONValue, path: String)
    /// A text that derives from `root` in a grammar as llama.cpp writes it.
    case gbnf(String, path: String)
    /// Any bytes that don't contain any of the terminators, which must not be empty.
    ///
    /// With `controlTokens` also the vocabulary's control tokens, except those whose text is one
    /// of the terminators.
    case text(notContaining: [String], controlTokens: Bool)
    /// The control token with this text; where the vocabulary has none, the text itself.
    case controlToken(String)
}

extension GrammarExpression {
    /// Any JSON object.
    package static let jsonObject = GrammarExpression.jsonSchema(
        .object(["type": "object"]),
        path: ""
    )

    /// A repetition of zero or one.
    package static func optional(_ part: GrammarExpression) -> GrammarExpression {
        .repetition(part, minimum: 0, maximum: 1)
    }

    /// One of these texts.
    package static func oneOf(_ texts: [String]) -> GrammarExpression {
        .choice(texts.map { .literal($0) })
    }

    /// Output that is free until a trigger appears in it, from where what belongs to the trigger
    /// must follow; then it is free again.
    ///
    /// The output may end wherever it is free. A trigger that is the text of a control token may
    /// come as that token or as text.
    ///
    /// - Parameters:
    ///   - triggers: For each trigger, a text that isn't empty, what follows it.
    ///   - repeats: Whether further triggers may appear after the first one's continuation; else
    ///     the output ends with that.
    /// - Returns: The expression.
    package static func triggered(
        _ triggers: [(trigger: String, continuation: GrammarExpression)],
        repeats: Bool = true
    ) -> GrammarExpression {
        let free = GrammarExpression.text(
            notContaining: triggers.map(\.trigger),
            controlTokens: true
        )
        let bound = GrammarExpression.choice(
            triggers.map { .sequence([.controlToken($0.trigger), $0.continuation]) }
        )
        guard repeats else { return .sequence([free, .optional(bound)]) }
        return .sequence([
            free, .repetition(.sequence([bound, free]), minimum: 0, maximum: nil),
        ])
    }
}

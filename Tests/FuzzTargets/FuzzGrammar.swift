import Grammars
import JSON

/// Feeds arbitrary bytes to the front ends of grammars: the first byte says whether the rest is a
/// schema, a regular expression or GBNF.
///
/// What compiles is followed for some tokens of a small vocabulary: each mask has a token, each of its
/// tokens is accepted, and one that it lacks is not.
func fuzzGrammar(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return }
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    let expression: GrammarExpression
    switch kind % 3 {
    case 0:
        guard let schema = try? JSONValue.parse(Array(bytes.dropFirst())) else { return }
        expression = .jsonSchema(schema, path: "schema")
    case 1: expression = .regex(text, path: "regex")
    default: expression = .gbnf(text, path: "grammar")
    }
    do throws(GrammarError) {
        let grammar = try Grammar(expression, limits: fuzzLimits)
        follow(try TokenConstraint(grammar, vocabulary: fuzzVocabulary), seed: bytes)
    } catch {
        precondition(!error.reason.isEmpty, "an error says what is wrong")
    }
    precondition(
        GrammarExpression(json: expression.jsonValue) == expression,
        "an expression changed on its way through JSON"
    )
}

private func follow(_ constraint: TokenConstraint, seed: [UInt8]) {
    do throws(TokenConstraint.Failure) {
        var state = try constraint.start()
        for step in 0..<24 {
            let mask = try constraint.mask(&state)
            let allowed = (0..<Int32(mask.count)).filter { mask.contains($0) }
            precondition(!allowed.isEmpty, "an output that follows a grammar can go on or end")
            precondition(
                mask.contains(fuzzEndToken) == state.isComplete,
                "an output may end where it is complete"
            )
            let choice = Int(seed[step % seed.count]) &* 31 &+ step
            let token = allowed[choice % allowed.count]
            if token == fuzzEndToken { return }
            if let other = (0..<Int32(mask.count)).first(where: { !mask.contains($0) }) {
                var copy = state
                do throws(TokenConstraint.Failure) {
                    try constraint.accept(other, &copy)
                    preconditionFailure("a token that the mask lacks was accepted")
                } catch {}
            }
            try constraint.accept(token, &state)
        }
    } catch {
        precondition(error == .tooAmbiguous, "a token of the mask was refused")
    }
}

/// Small, so that inputs are tried quickly.
private let fuzzLimits: GrammarLimits = {
    var limits = GrammarLimits.default
    limits.maximumStateCount = 20_000
    limits.maximumRuleCount = 2_000
    limits.maximumAutomatonStateCount = 500
    limits.maximumParseStateCount = 4_000
    return limits
}()

private let fuzzEndToken: Int32 = 256

private let fuzzVocabulary = GrammarVocabulary(
    tokens: (UInt8.min...UInt8.max).map { [$0] }
        + ["<|end|>", "ab", "\": \"", "}}", "  ", "123", "true", "日本"].map { Array($0.utf8) },
    controlTokens: [fuzzEndToken],
    endTokens: [fuzzEndToken]
)

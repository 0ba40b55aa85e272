import Grammars
import WorkerProtocol

/// A sequence's place in the grammar that its output follows.
///
/// A value: what is tried with a copy doesn't change it.
package struct ConstrainedOutput: Sendable {
    private let constraint: TokenConstraint
    private var state: TokenConstraint.State

    /// The place before any output.
    init(_ constraint: TokenConstraint) throws(GenerationFailure) {
        self.constraint = constraint
        do throws(TokenConstraint.Failure) {
            state = try constraint.start()
        } catch {
            throw Self.failure(error)
        }
    }

    /// Whether the output is complete and nothing may follow.
    var isExhausted: Bool { state.isExhausted }

    /// The tokens that may come next, a bit for each; those that end the output although something
    /// could follow only if it `mayEnd`.
    mutating func allowedTokens(mayEnd: Bool) throws(GenerationFailure) -> [UInt64] {
        var mask: TokenMask
        do throws(TokenConstraint.Failure) {
            mask = try constraint.mask(&state)
        } catch {
            throw Self.failure(error)
        }
        if !mayEnd, !state.isExhausted { mask.removeEndTokens(of: constraint.vocabulary) }
        guard !mask.isEmpty else {
            throw GenerationFailure(
                kind: .internalFailure,
                message: "The model has no token with which the output could go on as its grammar "
                    + "demands."
            )
        }
        return mask.words
    }

    /// Whether ``allowedTokens(mayEnd:)`` needs no more than a look-up.
    var isPrepared: Bool { constraint.knowsMask(of: state) }

    /// Finds what ``allowedTokens(mayEnd:)`` needs; what is wrong comes out there.
    func prepare() {
        var state = state
        _ = try? constraint.mask(&state)
    }

    /// Tokens that probably come next, since their text must.
    mutating func forcedTokens(maximum: Int) -> [Int32] {
        guard maximum > 0, !isExhausted else { return [] }
        return (try? constraint.forcedTokens(&state, maximum: maximum)) ?? []
    }

    /// This place and those behind guessed tokens, up to one that isn't allowed.
    func places(behind guesses: some Sequence<Int32>) -> [ConstrainedOutput] {
        var places = [self]
        var next = self
        for guess in guesses {
            guard (try? next.accept(guess)) != nil, !next.isExhausted else { break }
            places.append(next)
        }
        return places
    }

    /// Takes the token that was chosen among those.
    mutating func accept(_ token: Int32) throws(GenerationFailure) {
        do throws(TokenConstraint.Failure) {
            try constraint.accept(token, &state)
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ failure: TokenConstraint.Failure) -> GenerationFailure {
        switch failure {
        case .tooAmbiguous:
            GenerationFailure(
                kind: .invalidRequest(parameter: nil),
                message: "The grammar of the output is too ambiguous to be followed; "
                    + "make it simpler."
            )
        case .notAllowed(let token):
            GenerationFailure(
                kind: .internalFailure,
                message: "Token \(token) was chosen against the grammar of the output."
            )
        }
    }
}

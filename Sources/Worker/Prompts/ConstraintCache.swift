import Grammars
import JSON
import Synchronization
import Tokenizers
import WorkerProtocol

/// The constraints of recent requests, by what they ask for.
///
/// Applications send the same schema again and again: it is compiled once, and what following it has
/// taught about the vocabulary is kept with it. Safe from any thread.
final class ConstraintCache: Sendable {
    private struct Entries {
        /// By the text of their expression: in a schema the order of members matters.
        var constraints: [String: TokenConstraint] = [:]
        /// From the one not used for longest to the last used.
        var order: [String] = []
        /// Made when the first constraint is.
        var vocabulary: GrammarVocabulary?
    }

    private let tokenizer: Tokenizer
    private let entries = Mutex(Entries())

    /// Constraints kept, each with masks of a few megabytes.
    private static let capacity = 16

    init(tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// The constraint of an expression.
    ///
    /// What is wrong with it is a failure that names the place in the request.
    func constraint(
        for expression: GrammarExpression
    ) throws(GenerationFailure) -> TokenConstraint {
        let key = expression.jsonValue.serialized()
        if let known = use(key) { return known }
        do throws(GrammarError) {
            let grammar = try Grammar(expression)
            let constraint = try TokenConstraint(grammar, vocabulary: vocabulary())
            // The first mask shows whether the grammar can be followed at all.
            try tryOut(constraint, path: expression.path)
            keep(constraint, for: key)
            return constraint
        } catch {
            throw GenerationFailure(
                kind: .invalidRequest(parameter: error.path.isEmpty ? nil : error.path),
                message: error.reason
            )
        }
    }

    private func tryOut(_ constraint: TokenConstraint, path: String) throws(GrammarError) {
        do throws(TokenConstraint.Failure) {
            var state = try constraint.start()
            _ = try constraint.mask(&state)
        } catch {
            throw GrammarError(
                path: path,
                reason: "The grammar is too ambiguous to be followed; make it simpler."
            )
        }
    }

    private func use(_ key: String) -> TokenConstraint? {
        entries.withLock { entries in
            guard let known = entries.constraints[key] else { return nil }
            entries.order.removeAll { $0 == key }
            entries.order.append(key)
            return known
        }
    }

    private func keep(_ constraint: TokenConstraint, for key: String) {
        entries.withLock { entries in
            entries.constraints[key] = constraint
            entries.order.append(key)
            if entries.order.count > Self.capacity {
                entries.constraints[entries.order.removeFirst()] = nil
            }
        }
    }

    private func vocabulary() -> GrammarVocabulary {
        entries.withLock { entries in
            if let made = entries.vocabulary { return made }
            let tokens = 0..<TokenID(tokenizer.vocabularySize)
            let made = GrammarVocabulary(
                tokens: tokens.map { tokenizer.bytes(of: $0) },
                controlTokens: Set(tokens.filter(tokenizer.isControl)),
                endTokens: tokenizer.endOfGenerationTokens
            )
            entries.vocabulary = made
            return made
        }
    }
}

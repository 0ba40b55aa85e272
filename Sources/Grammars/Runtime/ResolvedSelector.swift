/// The tokens of a vocabulary that a selector takes.
struct ResolvedSelector: Sendable {
    let mask: TokenMask

    /// - Throws: When the selector names a token that the vocabulary lacks.
    init(_ selector: TokenSelector, in vocabulary: GrammarVocabulary) throws(GrammarError) {
        var mask = TokenMask(count: vocabulary.tokenCount)
        func checked(_ id: Int32) throws(GrammarError) -> Int32 {
            guard Int(id) < vocabulary.tokenCount else {
                throw GrammarError(
                    path: "grammar",
                    reason: "The grammar names token \(id), but the model has only "
                        + "\(vocabulary.tokenCount) tokens."
                )
            }
            return id
        }
        func named(_ text: String, _ path: String) throws(GrammarError) -> Int32 {
            guard let token = vocabulary.token(text) else {
                throw GrammarError(
                    path: path,
                    reason: "The grammar names the token '\(text)', which the model doesn't have."
                )
            }
            return token
        }
        func insertAll(but excluded: Int32) {
            // What ends the output isn't part of it.
            for token in 0..<Int32(vocabulary.tokenCount)
            where token != excluded && !vocabulary.endTokens.contains(token) {
                mask.insert(token)
            }
        }
        switch selector {
        case .id(let id): mask.insert(try checked(id))
        case .allExcept(let id): insertAll(but: try checked(id))
        case .text(let text, let path): mask.insert(try named(text, path))
        case .allExceptText(let text, let path): insertAll(but: try named(text, path))
        case .control(let text):
            if let token = vocabulary.controlToken(text) { mask.insert(token) }
        case .controlsExcept(let texts):
            for token in vocabulary.controlTokens where !vocabulary.endTokens.contains(token) {
                mask.insert(token)
            }
            for text in texts {
                if let token = vocabulary.controlToken(text) { mask.remove(token) }
            }
        }
        self.mask = mask
    }
}

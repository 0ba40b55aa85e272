import ModelFiles

/// Reads and checks the tokenizer's part of a model file's metadata.
struct VocabularySource {
    private static let prefix = "tokenizer.ggml."

    let metadata: GGUFMetadata

    /// How the vocabulary splits text, from `model` and `pre`.
    func rules() throws(TokenizerError) -> PreTokenizer.Rules {
        let model = try read("model") { (key) throws(GGUFError) in try metadata.string(key) }
        guard let model else { throw .missingKey(Self.prefix + "model") }
        guard model == "gpt2" else { throw .unsupportedModel(model) }
        let name = try read("pre") { (key) throws(GGUFError) in try metadata.string(key) }
        guard let name, name != "default" else { throw .missingPreTokenizer }
        guard let rules = PreTokenizer.rules(named: name) else {
            throw .unsupportedPreTokenizer(name)
        }
        return rules
    }

    func tokens() throws(TokenizerError) -> StringTable {
        let tokens = try read("tokens") { (key) throws(GGUFError) in try metadata.strings(key) }
        guard let tokens else { throw .missingKey(Self.prefix + "tokens") }
        guard !tokens.isEmpty, tokens.count <= Vocabulary.maximumTokenCount else {
            throw .invalidVocabularySize(
                count: tokens.count,
                maximum: Vocabulary.maximumTokenCount
            )
        }
        return tokens
    }

    func merges() throws(TokenizerError) -> StringTable {
        let merges = try read("merges") { (key) throws(GGUFError) in try metadata.strings(key) }
        guard let merges else { throw .missingKey(Self.prefix + "merges") }
        guard merges.count <= Vocabulary.maximumMergeCount else {
            throw .tooManyMerges(count: merges.count, maximum: Vocabulary.maximumMergeCount)
        }
        return merges
    }

    /// Each token's type; all are normal if the file doesn't say.
    func types(count: Int) throws(TokenizerError) -> [Vocabulary.TokenType] {
        // The count first: an array of any length isn't unpacked.
        let typeCount = try read("token_type") { (key) throws(GGUFError) in
            try metadata.count(key)
        }
        guard let typeCount else { return Array(repeating: .normal, count: count) }
        guard typeCount == count else {
            throw .wrongCount(key: Self.prefix + "token_type", count: typeCount, expected: count)
        }
        let numbers = try read("token_type") { (key) throws(GGUFError) in
            try metadata.integers(key)
        }
        var types: [Vocabulary.TokenType] = []
        types.reserveCapacity(count)
        for (index, number) in (numbers ?? []).enumerated() {
            guard let type = UInt8(exactly: number).flatMap(Vocabulary.TokenType.init) else {
                throw .invalidTokenType(token: TokenID(index), type: number)
            }
            types.append(type)
        }
        return types
    }

    /// The token that a key names, if the key is there.
    func token(_ name: String, vocabularySize: Int) throws(TokenizerError) -> TokenID? {
        let id = try read(name) { (key) throws(GGUFError) in try metadata.integer(key) }
        guard let id else { return nil }
        guard id >= 0, id < vocabularySize else {
            throw .invalidTokenID(
                key: Self.prefix + name,
                id: id,
                vocabularySize: vocabularySize
            )
        }
        return TokenID(id)
    }

    func addsBeginningToken(default standard: Bool) throws(TokenizerError) -> Bool {
        try read("add_bos_token") { (key) throws(GGUFError) in try metadata.bool(key) } ?? standard
    }

    /// The first token of each of these texts.
    func tokens(withTexts texts: Set<String>, in tokens: StringTable) -> [String: TokenID] {
        let lengths = Set(texts.map(\.utf8.count))
        var found: [String: TokenID] = [:]
        for index in 0..<tokens.count where lengths.contains(tokens.byteRange(at: index).count) {
            let text = tokens[index]
            if texts.contains(text), found[text] == nil { found[text] = TokenID(index) }
        }
        return found
    }

    private func read<Value>(
        _ name: String,
        _ body: (String) throws(GGUFError) -> Value
    ) throws(TokenizerError) -> Value {
        do {
            return try body(Self.prefix + name)
        } catch {
            throw .metadata(error)
        }
    }
}

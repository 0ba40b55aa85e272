import ModelFiles

/// Reads and checks the tokenizer's part of a model file's metadata.
struct VocabularySource {
    /// More tokens than any vocabulary has; the largest have some 260,000.
    private static let maximumTokenCount = 1 << 22
    private static let prefix = "tokenizer.ggml."

    let metadata: GGUFMetadata

    /// The kind of vocabulary, from `model` and `pre`.
    func kind() throws(TokenizerError) -> TokenizerKind {
        let model = try read("model") { (key) throws(GGUFError) in try metadata.string(key) }
        switch model {
        case nil: throw .missingKey(Self.prefix + "model")
        case "llama": return .sentencePieces
        case "bert": return .wordPieces
        case "t5": return .unigrams
        case "gemma4": return .bytePairs(try settings(named: "gemma4"))
        case "gpt2":
            let name = try read("pre") { (key) throws(GGUFError) in try metadata.string(key) }
            guard let name, name != "default" else { throw .missingPreTokenizer }
            return .bytePairs(try settings(named: name))
        case .some(let other): throw .unsupportedModel(other)
        }
    }

    private func settings(named name: String) throws(TokenizerError) -> PreTokenizerSettings {
        guard let settings = PreTokenizerSettings(named: name) else {
            throw .unsupportedPreTokenizer(name)
        }
        return settings
    }

    func tokens() throws(TokenizerError) -> StringTable {
        let tokens = try read("tokens") { (key) throws(GGUFError) in try metadata.strings(key) }
        guard let tokens else { throw .missingKey(Self.prefix + "tokens") }
        guard !tokens.isEmpty, tokens.count <= Self.maximumTokenCount else {
            throw .invalidVocabularySize(
                count: tokens.count,
                maximum: Self.maximumTokenCount
            )
        }
        return tokens
    }

    func merges() throws(TokenizerError) -> StringTable {
        let merges = try read("merges") { (key) throws(GGUFError) in try metadata.strings(key) }
        guard let merges else { throw .missingKey(Self.prefix + "merges") }
        guard merges.count <= BytePairModel.maximumMergeCount else {
            throw .tooManyMerges(count: merges.count, maximum: BytePairModel.maximumMergeCount)
        }
        return merges
    }

    /// Each token's type; all are normal if the file doesn't say.
    func types(count: Int) throws(TokenizerError) -> [TokenType] {
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
        var types: [TokenType] = []
        types.reserveCapacity(count)
        for (index, number) in (numbers ?? []).enumerated() {
            guard let type = UInt8(exactly: number).flatMap(TokenType.init) else {
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

    /// Each token's score.
    func scores(count: Int) throws(TokenizerError) -> [Float] {
        let name = "scores"
        let scoreCount = try read(name) { (key) throws(GGUFError) in try metadata.count(key) }
        guard let scoreCount else { throw .missingKey(Self.prefix + name) }
        guard scoreCount == count else {
            throw .wrongCount(key: Self.prefix + name, count: scoreCount, expected: count)
        }
        let scores = try read(name) { (key) throws(GGUFError) in try metadata.floats(key) } ?? []
        if let index = scores.firstIndex(where: \.isNaN) {
            throw .invalidScore(token: TokenID(index))
        }
        return scores
    }

    /// A key that is true or false.
    func flag(_ name: String, default standard: Bool) throws(TokenizerError) -> Bool {
        try read(name) { (key) throws(GGUFError) in try metadata.bool(key) } ?? standard
    }

    /// Whether a space comes in front of the begin of a text alone.
    ///
    /// GGUF has no key for that. This one is ours: folders write it, whose `tokenizer.json` says it.
    func prefixesStartOnly() throws(TokenizerError) -> Bool {
        do {
            return try metadata.string(FolderKeys.spacePrefix) == FolderKeys.atStart
        } catch {
            throw .metadata(error)
        }
    }

    /// `precompiled_charsmap`, if there is any.
    func characterMap() throws(TokenizerError) -> CharacterMap? {
        let numbers = try read("precompiled_charsmap") { (key) throws(GGUFError) in
            try metadata.integers(key)
        }
        guard let numbers, !numbers.isEmpty else { return nil }
        // Files hold signed or unsigned bytes.
        guard let map = CharacterMap(numbers.map { UInt8(truncatingIfNeeded: $0) }) else {
            throw .invalidCharacterMap(byteCount: numbers.count)
        }
        return map
    }

    /// Phi-3's special tokens take the blanks behind them along.
    ///
    /// Model files don't say so; llama.cpp goes by the model's name too.
    func swallowsBlanks(behind tokens: StringTable) throws(TokenizerError) -> Set<TokenID> {
        let name: String?
        do { name = try metadata.string("general.name") } catch { throw .metadata(error) }
        guard let name = name?.lowercased(), name.contains("phi-3") || name.contains("phi3") else {
            return []
        }
        let found = self.tokens(
            withTexts: [
                "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "</s>",
            ],
            in: tokens
        )
        return Set(found.values)
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

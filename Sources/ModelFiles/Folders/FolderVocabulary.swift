import JSON

/// Says in GGUF's keys what `tokenizer.json` and its neighbours say about a vocabulary.
struct FolderVocabulary {
    /// `tokenizer.json`.
    let file: FolderConfiguration
    /// `tokenizer_config.json`.
    let settings: FolderConfiguration?
    /// `generation_config.json`.
    let generation: FolderConfiguration?
    /// `config.json`.
    let configuration: FolderConfiguration
    /// `chat_template.jinja`.
    let chatTemplate: String?
    /// Rows of the embedding: the vocabulary gets as many tokens.
    let rowCount: Int

    /// Bounds of `tokenizer.json`: Gemma's has 33 MB and 1.6 million values.
    static let limits = JSONLimits(
        maximumDepth: 32,
        maximumByteCount: 256 << 20,
        maximumNodeCount: 16_000_000
    )
    /// More tokens than any vocabulary has.
    static let maximumTokenCount = 1 << 22

    /// A token, as the keys describe it.
    struct Token {
        var text: String
        var type: Int32
        var score: Float = 0
    }

    /// Token types as GGUF numbers them.
    enum TokenType {
        static let normal: Int32 = 1
        static let unknown: Int32 = 2
        static let control: Int32 = 3
        static let userDefined: Int32 = 4
        static let unused: Int32 = 5
        static let byte: Int32 = 6
    }

    typealias Entry = (key: String, value: GGUFValue)

    /// All keys of the vocabulary.
    func entries() throws(GGUFError) -> [Entry] {
        guard let model = file.section("model") else { throw file.refusal("lacks \"model\"") }
        let kind = model.string("type") ?? (model.value["merges"] == nil ? "" : "BPE")
        var part: Part
        switch kind {
        case "BPE": part = try bytePairs(model)
        case "WordPiece": part = try wordPieces(model)
        case "Unigram": part = try unigrams(model)
        default:
            throw file.refusal(
                "has a vocabulary of the kind \"\(kind)\"; BPE, WordPiece and Unigram can be read"
            )
        }
        addAddedTokens(to: &part)
        if kind == "WordPiece" { part.markWordStarts() }
        var entries: [Entry] = [("tokenizer.ggml.model", .string(part.model))]
        if let name = part.preTokenizer { entries.append(("tokenizer.ggml.pre", .string(name))) }
        entries.append(("tokenizer.ggml.tokens", .strings(part.tokens.map(\.text))))
        entries.append(("tokenizer.ggml.token_type", .int32s(part.tokens.map(\.type))))
        if part.hasScores {
            entries.append(("tokenizer.ggml.scores", .float32s(part.tokens.map(\.score))))
        }
        if !part.merges.isEmpty { entries.append(("tokenizer.ggml.merges", .strings(part.merges))) }
        entries += part.entries
        entries += FolderSpecialTokens(self, tokens: part.tokens).entries()
        return entries + chatTemplates()
    }

    /// What a kind of vocabulary gives.
    struct Part {
        var model: String
        var preTokenizer: String?
        var tokens: [Token]
        var hasScores = false
        var merges: [String] = []
        var entries: [Entry] = []

        /// Pieces that begin a word get a mark, those that continue one lose theirs.
        mutating func markWordStarts() {
            for index in tokens.indices where tokens[index].type == TokenType.normal {
                // By code points: a mark behind the signs makes one character with the last of them.
                let text = tokens[index].text.unicodeScalars
                tokens[index].text =
                    text.starts(with: "##".unicodeScalars)
                    ? String(String.UnicodeScalarView(text.dropFirst(2))) : "▁" + String(text)
            }
        }
    }

    // MARK: Tokens

    /// The tokens of `vocab`, at their ids; ids that nothing has are unused.
    func tokens(_ model: FolderConfiguration) throws(GGUFError) -> [Token] {
        guard let members = model.value["vocab"]?.objectValue?.members else {
            throw file.refusal("has no object \"vocab\"")
        }
        guard members.count <= Self.maximumTokenCount else {
            throw file.refusal("has \(members.count) tokens, more than any vocabulary")
        }
        var tokens = unusedTokens()
        for (text, value) in members {
            guard let id = value.intValue, id >= 0, id < Self.maximumTokenCount else {
                throw file.refusal("gives the token \"\(text)\" no usable number")
            }
            if id < tokens.count { tokens[id] = Token(text: text, type: TokenType.normal) }
        }
        return tokens
    }

    func unusedTokens() -> [Token] {
        (0..<rowCount).map { Token(text: "[PAD\($0)]", type: TokenType.unused) }
    }

    /// Tokens that were added to a vocabulary are found in text as a whole: all of them if they aren't
    /// special, else in trusted text.
    private func addAddedTokens(to part: inout Part) {
        for token in file.value["added_tokens"]?.arrayValue ?? [] {
            guard let id = token["id"]?.intValue, part.tokens.indices.contains(id),
                let text = token["content"]?.stringValue
            else { continue }
            if part.tokens[id].type == TokenType.unknown { continue }
            let isSpecial = token["special"]?.boolValue ?? false
            // A user's run of spaces is matched in the text, where they are no marks.
            part.tokens[id].text = isSpecial ? text : Self.withSpaces(text)
            part.tokens[id].type = isSpecial ? TokenType.control : TokenType.userDefined
        }
    }

    private static func withSpaces(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "▁" ? " " : $0 }))
    }

    private func chatTemplates() -> [Entry] {
        if let chatTemplate { return [("tokenizer.chat_template", .string(chatTemplate))] }
        switch settings?.value["chat_template"] {
        case .string(let text):
            return [("tokenizer.chat_template", .string(text))]
        case .array(let templates):
            return templates.compactMap { template in
                guard let name = template["name"]?.stringValue,
                    let text = template["template"]?.stringValue
                else { return nil }
                let key = "tokenizer.chat_template"
                return (name == "default" ? key : "\(key).\(name)", .string(text))
            }
        default:
            return []
        }
    }
}

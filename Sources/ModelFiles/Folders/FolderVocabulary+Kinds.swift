import FoundationEssentials
import JSON

extension FolderVocabulary {
    // MARK: Byte pairs

    /// Byte-level vocabularies, and SentencePiece's: the latter merge characters and fall back to bytes.
    func bytePairs(_ model: FolderConfiguration) throws(GGUFError) -> Part {
        let steps = FolderPreTokenizer.steps(file.value["pre_tokenizer"])
        if steps.contains("bytes") {
            let ignoresMerges = model.flag("ignore_merges") ?? false
            guard let name = FolderPreTokenizer.name(steps, ignoresMerges: ignoresMerges) else {
                throw file.refusal(
                    "splits text in a way that isn't known here: \(steps.joined(separator: ", ")). "
                        + "Guessing would give poor answers; get the model as a GGUF file"
                )
            }
            return Part(
                model: "gpt2",
                preTokenizer: name,
                tokens: try tokens(model),
                merges: try merges(model)
            )
        }
        guard let prefix = spacePrefix(steps) else {
            throw file.refusal(
                "merges neither bytes nor characters with ▁ for the space; such a vocabulary "
                    + "can't be read. Get the model as a GGUF file"
            )
        }
        var part = Part(
            model: "llama",
            preTokenizer: "default",
            tokens: try tokens(model),
            hasScores: true
        )
        try rankByMerges(&part.tokens, try merges(model))
        if let unknown = model.string("unk_token") {
            mark(unknown, &part.tokens, TokenType.unknown)
        }
        for index in part.tokens.indices where Self.namesByte(part.tokens[index].text) {
            part.tokens[index].type = TokenType.byte
        }
        part.entries.append(("tokenizer.ggml.add_space_prefix", .bool(prefix != .never)))
        if prefix == .atStart {
            part.entries.append((FolderKeys.spacePrefix, .string(FolderKeys.atStart)))
        }
        return part
    }

    private enum Prefix {
        case never, atStart, atStretches
    }

    /// Where a space is put in front of text; nil if spaces aren't written as `▁`.
    private func spacePrefix(_ steps: [String]) -> Prefix? {
        let normalizers = Self.flattened(file.value["normalizer"], list: "normalizers")
        let prepends = normalizers.contains {
            $0["type"]?.stringValue == "Prepend" && $0["prepend"]?.stringValue == "▁"
        }
        let replaces = normalizers.contains {
            $0["type"]?.stringValue == "Replace" && $0["pattern"]?["String"]?.stringValue == " "
                && $0["content"]?.stringValue == "▁"
        }
        if replaces { return prepends ? .atStretches : .never }
        if steps.contains("spaces first") { return .atStart }
        if steps.contains("spaces always") { return .atStretches }
        return steps.contains("spaces never") ? .never : nil
    }

    /// Scores that make the merges happen in their order: minus the rank of the first merge that makes
    /// a token.
    private func rankByMerges(
        _ tokens: inout [Token],
        _ merges: [String]
    ) throws(GGUFError) {
        var ids: [TokenText: Int] = [:]
        ids.reserveCapacity(tokens.count)
        for (id, token) in tokens.enumerated() { ids[TokenText(token.text)] = id }
        for index in tokens.indices { tokens[index].score = -Float(merges.count) }
        for (rank, merge) in merges.enumerated().reversed() {
            let joined = String(String.UnicodeScalarView(merge.unicodeScalars.filter { $0 != " " }))
            guard let id = ids[TokenText(joined)] else { continue }
            tokens[id].score = -Float(rank)
        }
    }

    /// Merges as GGUF files hold them, two tokens with a space between.
    private func merges(_ model: FolderConfiguration) throws(GGUFError) -> [String] {
        guard let list = model.value["merges"]?.arrayValue else {
            throw file.refusal("has no list \"merges\"")
        }
        guard list.count <= Self.maximumTokenCount else {
            throw file.refusal("has \(list.count) merges, more than any vocabulary")
        }
        var merges: [String] = []
        merges.reserveCapacity(list.count)
        for merge in list {
            switch merge {
            case .string(let text):
                merges.append(text)
            case .array(let pair) where pair.count == 2:
                guard let left = pair[0].stringValue, let right = pair[1].stringValue else {
                    throw file.refusal("has a merge that isn't two tokens")
                }
                // GGUF has no way to write a token with a space in it; no vocabulary merges such.
                if left.utf8.contains(0x20) || right.utf8.contains(0x20) { continue }
                merges.append("\(left) \(right)")
            default:
                throw file.refusal("has a merge that isn't two tokens")
            }
        }
        return merges
    }

    // MARK: Others

    func wordPieces(_ model: FolderConfiguration) throws(GGUFError) -> Part {
        var part = Part(model: "bert", preTokenizer: "default", tokens: try tokens(model))
        if let unknown = model.string("unk_token") {
            mark(unknown, &part.tokens, TokenType.control)
        }
        let normalizers = Self.flattened(file.value["normalizer"], list: "normalizers")
        let bert = normalizers.first { $0["type"]?.stringValue == "BertNormalizer" }
        let lowercases =
            bert?["lowercase"]?.boolValue
            ?? normalizers.contains { $0["type"]?.stringValue == "Lowercase" }
        let strips =
            bert.map { $0["strip_accents"]?.boolValue ?? lowercases }
            ?? normalizers.contains { $0["type"]?.stringValue == "StripAccents" }
        part.entries.append(("tokenizer.ggml.normalizer.lowercase", .bool(lowercases)))
        part.entries.append(("tokenizer.ggml.normalizer.strip_accents", .bool(strips)))
        return part
    }

    func unigrams(_ model: FolderConfiguration) throws(GGUFError) -> Part {
        guard let list = model.value["vocab"]?.arrayValue, list.count <= Self.maximumTokenCount
        else {
            throw file.refusal("has no usable list \"vocab\"")
        }
        var part = Part(
            model: "t5",
            preTokenizer: "default",
            tokens: unusedTokens(),
            hasScores: true
        )
        for (id, entry) in list.enumerated() where id < part.tokens.count {
            guard let text = entry[0]?.stringValue, let score = entry[1]?.doubleValue else {
                throw file.refusal("has a token without text or score")
            }
            part.tokens[id] = Token(text: text, type: TokenType.normal, score: Float(score))
        }
        if let unknown = try model.integer("unk_id"), part.tokens.indices.contains(unknown) {
            part.tokens[unknown].type = TokenType.unknown
        }
        let normalizers = Self.flattened(file.value["normalizer"], list: "normalizers")
        if let text = normalizers.compactMap({ $0["precompiled_charsmap"]?.stringValue }).first {
            guard let bytes = Data(base64Encoded: text, options: .ignoreUnknownCharacters) else {
                throw file.refusal("has a precompiled_charsmap that is no base64")
            }
            part.entries.append(("tokenizer.ggml.precompiled_charsmap", .bytes(Array(bytes))))
        }
        let removesSpaces = normalizers.contains {
            $0["type"]?.stringValue == "Strip"
                || $0["pattern"]?["Regex"]?.stringValue == " {2,}"
        }
        let steps = FolderPreTokenizer.steps(file.value["pre_tokenizer"])
        part.entries.append(("tokenizer.ggml.remove_extra_whitespaces", .bool(removesSpaces)))
        part.entries.append(
            ("tokenizer.ggml.add_space_prefix", .bool(!steps.contains("spaces never")))
        )
        return part
    }

    // MARK: Parts

    private func mark(_ text: String, _ tokens: inout [Token], _ type: Int32) {
        if let index = tokens.firstIndex(where: { $0.text == text }) { tokens[index].type = type }
    }

    private static func namesByte(_ text: String) -> Bool {
        text.utf8.count == 6 && text.hasPrefix("<0x") && text.hasSuffix(">")
            && UInt8(text.dropFirst(3).dropLast(), radix: 16) != nil
    }

    /// A step, or the steps of a `Sequence` of them.
    static func flattened(_ value: JSONValue?, list: String) -> [JSONValue] {
        guard let value, value.objectValue != nil else { return [] }
        guard let steps = value[list]?.arrayValue else { return [value] }
        return steps.flatMap { flattened($0, list: list) }
    }
}

/// A token's text as bytes: Swift's strings are equal if they only look the same.
struct TokenText: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: TokenText, right: TokenText) -> Bool {
        left.text == right.text && left.text.utf8.elementsEqual(right.text.utf8)
    }
}

import JSON

/// The tokens that begin, end and separate texts, from the several files that name them.
struct FolderSpecialTokens {
    private let vocabulary: FolderVocabulary
    private let ids: [TokenText: Int]
    private let tokens: [FolderVocabulary.Token]

    init(_ vocabulary: FolderVocabulary, tokens: [FolderVocabulary.Token]) {
        self.vocabulary = vocabulary
        self.tokens = tokens
        var ids: [TokenText: Int] = [:]
        for (id, token) in tokens.enumerated() {
            let key = TokenText(token.text)
            if ids[key] == nil { ids[key] = id }
        }
        self.ids = ids
    }

    func entries() -> [FolderVocabulary.Entry] {
        var entries: [FolderVocabulary.Entry] = []
        func add(_ key: String, _ id: Int?) {
            if let id { entries.append(("tokenizer.ggml.\(key)", .uint32(UInt32(id)))) }
        }
        let frame = frame
        // Encoders that spell words in bytes begin texts with what they call the class.
        let isWordPieces =
            vocabulary.file.section("model")?.string("type") == "WordPiece"
        let opening = frame.begins && !isWordPieces ? named("cls_token") : nil
        add("bos_token_id", named("bos_token") ?? number("bos_token_id").first ?? opening)
        let ends = self.ends
        // Where there are several ends, all count; GGUF has keys for three.
        for (key, id) in zip(["eos_token_id", "eot_token_id", "eom_token_id"], ends) {
            add(key, id)
        }
        add("unknown_token_id", named("unk_token") ?? unknown)
        add("padding_token_id", named("pad_token") ?? number("pad_token_id").first)
        add("seperator_token_id", named("sep_token"))
        add("cls_token_id", named("cls_token"))
        add("mask_token_id", named("mask_token"))
        entries.append(("tokenizer.ggml.add_bos_token", .bool(frame.begins)))
        entries.append(
            ("tokenizer.ggml.add_eos_token", .bool(frame.ends && !frame.endsWithSeparator))
        )
        if frame.endsWithSeparator { entries.append(("tokenizer.ggml.add_sep_token", .bool(true))) }
        return entries
    }

    /// The token that `tokenizer_config.json` names.
    private func named(_ name: String) -> Int? {
        let value = vocabulary.settings?.value[name]
        guard let text = value?.stringValue ?? value?["content"]?.stringValue else { return nil }
        return ids[TokenText(text)]
    }

    /// The numbers that a key of the other files holds, one or a list, those of generation first.
    private func number(_ name: String) -> [Int] {
        [vocabulary.generation, vocabulary.configuration].flatMap { file -> [Int] in
            switch file?.value[name] {
            case .array(let list): list.compactMap(\.intValue)
            case .some(let one): [one.intValue].compactMap(\.self)
            case nil: []
            }
        }
        .filter(tokens.indices.contains)
    }

    private var ends: [Int] {
        var ends: [Int] = []
        for id in [named("eos_token")].compactMap(\.self) + number("eos_token_id")
        where !ends.contains(id) {
            ends.append(id)
        }
        return ends
    }

    private var unknown: Int? {
        tokens.firstIndex { $0.type == FolderVocabulary.TokenType.unknown }
    }

    /// Which tokens belong around a text.
    private var frame: (begins: Bool, ends: Bool, endsWithSeparator: Bool) {
        let steps = FolderVocabulary.flattened(
            vocabulary.file.value["post_processor"],
            list: "processors"
        )
        for step in steps {
            switch step["type"]?.stringValue {
            case "TemplateProcessing":
                let parts = step["single"]?.arrayValue ?? []
                let last = parts.last?["SpecialToken"]?["id"]?.stringValue
                let lastID = last.flatMap { ids[TokenText($0)] }
                return (
                    parts.first?["SpecialToken"] != nil,
                    last != nil,
                    lastID != nil && lastID == named("sep_token") && !ends.contains(lastID ?? -1)
                )
            case "BertProcessing", "RobertaProcessing":
                return (true, true, true)
            default:
                continue
            }
        }
        return (
            vocabulary.settings?.flag("add_bos_token") ?? false,
            vocabulary.settings?.flag("add_eos_token") ?? false,
            false
        )
    }
}

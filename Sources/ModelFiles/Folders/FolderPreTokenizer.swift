import JSON

/// Recognises how `tokenizer.json` splits text, and gives it GGUF's name.
enum FolderPreTokenizer {
    /// The steps of `pre_tokenizer`, each as a word or a regular expression: `bytes` for a vocabulary of
    /// bytes, `gpt2` where that step also splits.
    static func steps(_ value: JSONValue?) -> [String] {
        FolderVocabulary.flattened(value, list: "pretokenizers").flatMap { step -> [String] in
            switch step["type"]?.stringValue {
            case "ByteLevel":
                (step["use_regex"]?.boolValue ?? true) ? ["gpt2", "bytes"] : ["bytes"]
            case "Digits":
                [step["individual_digits"]?.boolValue == true ? #"\p{N}"# : #"\p{N}+"#]
            case "Split":
                split(step)
            case "Punctuation":
                ["punctuation \(step["behavior"]?.stringValue ?? "")"]
            case "Metaspace":
                ["spaces \(prepending(step))"]
            case .some(let other):
                [other]
            case nil:
                []
            }
        }
    }

    private static func split(_ step: JSONValue) -> [String] {
        let pattern = step["pattern"]
        let text = pattern?["Regex"]?.stringValue ?? pattern?["String"]?.stringValue ?? ""
        let behavior = step["behavior"]?.stringValue
        // Gemma's vocabulary cuts at spaces, which its normaliser has replaced by then: it does nothing.
        if text == " ", behavior == "MergedWithPrevious" { return [] }
        // What matches stays a piece either way where the rest is dropped and there is none.
        let isPlain =
            behavior == "Isolated"
            || behavior == "Removed" && step["invert"]?.boolValue == true
        return [isPlain ? text : "\(behavior ?? "") \(text)"]
    }

    private static func prepending(_ step: JSONValue) -> String {
        if let scheme = step["prepend_scheme"]?.stringValue { return scheme }
        return step["add_prefix_space"]?.boolValue == false ? "never" : "always"
    }

    /// The name in `tokenizer.ggml.pre` for these steps; nil if they aren't known.
    static func name(_ steps: [String], ignoresMerges: Bool) -> String? {
        switch steps.filter({ $0 != "bytes" }) {
        case ["gpt2"], [gpt2]: "gpt-2"
        case [#"\p{N}"#, "gpt2"]: "smollm"
        case [llama3]: ignoresMerges ? "llama-bpe" : "smaug-bpe"
        case [qwen2]: "qwen2"
        case [qwen35]: "qwen35"
        case [gpt4o]: "gpt-4o"
        case [tekken]: "tekken"
        case [#"\p{N}{1,3}"#, ideographs, deepSeek3]: "deepseek-v3"
        case ["[\r\n]", #"\s?\p{L}+"#, #"\s?\p{P}+"#, manyScripts, #"\p{N}"#]: "deepseek-coder"
        case ["punctuation Contiguous", "gpt2", #"\p{N}+"#, "[0-9][0-9][0-9]"],
            ["punctuation Contiguous", "gpt2", "[0-9][0-9][0-9]"]:
            "falcon"
        default: nil
        }
    }

    // The authors' expressions, as their files have them.

    private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    private static let blanks = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let gpt2 =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static let llama3 =
        contractions
        + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + blanks
    private static let qwen2 =
        contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + blanks
    private static let qwen35 =
        contractions
        + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"# + blanks
    private static let capitals = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    private static let smallLetters = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    private static let lead = #"[^\r\n\p{L}\p{N}]?"#
    private static let gpt4o =
        "\(lead)\(capitals)*\(smallLetters)+\(contractions)?"
        + "|\(lead)\(capitals)+\(smallLetters)*\(contractions)?"
        + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + blanks
    private static let tekken =
        "\(lead)\(capitals)*\(smallLetters)+|\(lead)\(capitals)+\(smallLetters)*"
        + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + blanks
    private static let ideographs = "[一-龥\u{3040}-ゟ゠-ヿ]+"
    private static let manyScripts = "[一-龥\u{800}-一가-\u{D7FF}]+"
    private static let deepSeek3 =
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
        + "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|" + blanks
}

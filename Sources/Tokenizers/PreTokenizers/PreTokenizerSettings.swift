/// What follows from a name in `tokenizer.ggml.pre`.
struct PreTokenizerSettings: Sendable, Hashable {
    var preTokenizer: PreTokenizer
    /// A piece that is a token is taken as it is, whether or not merges lead to it.
    var ignoresMerges = false
    /// The default of `tokenizer.ggml.add_bos_token`.
    var addsBeginningToken = false
    /// The default of `tokenizer.ggml.add_sep_token`.
    var addsSeparatorToken = false
    var alphabet = BytePairModel.Alphabet.bytes

    init(
        _ rules: SplitRule...,
        ignoresMerges: Bool = false,
        addsBeginningToken: Bool = false,
        addsSeparatorToken: Bool = false,
        alphabet: BytePairModel.Alphabet = .bytes
    ) {
        preTokenizer = PreTokenizer(rules)
        self.ignoresMerges = ignoresMerges
        self.addsBeginningToken = addsBeginningToken
        self.addsSeparatorToken = addsSeparatorToken
        self.alphabet = alphabet
    }

    /// The settings for a name in `tokenizer.ggml.pre`; nil if it isn't known.
    init?(named name: String) {
        switch name {
        case "gpt-2", "mpt", "olmo", "phi-2", "jais", "trillion", "gigachat", "a.x-4.0", "mellum",
            "exaone4", "modern-bert", "granite-docling", "jina-es", "jina-de", "jina-v2-es",
            "jina-v2-de":
            self.init(.gpt2)
        case "jina-v1-en", "jina-v2-code", "roberta-bpe":
            self.init(.gpt2, addsSeparatorToken: true)
        case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b",
            "mellum2":
            self.init(.run(.number, maximumCount: 1), .gpt2)
        case "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0",
            "lfm2", "jina-v5-nano":
            self.init(
                .words(maximumDigitCount: 3),
                ignoresMerges: true,
                addsBeginningToken: true
            )
        case "glm4", "glm5":
            self.init(.words(maximumDigitCount: 3), ignoresMerges: true)
        case "dbrx", "smaug-bpe", "chatglm-bpe":
            self.init(.words(maximumDigitCount: 3))
        case "qwen2", "deepseek-r1-qwen", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2",
            "kormo", "f2llmv2", "bailingmoe", "bailingmoe2", "llada-moe":
            self.init(.words(maximumDigitCount: 1))
        case "laguna":
            self.init(.run(.newline), .words(maximumDigitCount: 1))
        case "seed-coder":
            self.init(.words(maximumDigitCount: 1, symbolsTakeLineBreaks: false))
        case "minicpm5":
            self.init(
                .run(.number, maximumCount: 3),
                .words(maximumDigitCount: .max),
                ignoresMerges: true
            )
        case "qwen35":
            self.init(.words(maximumDigitCount: 1, marksAreLetters: true))
        default:
            guard let settings = Self.rarer(name) else { return nil }
            self = settings
        }
    }

    private static func rarer(_ name: String) -> PreTokenizerSettings? {
        switch name {
        case "gpt-4o", "llama4", "kanana2", "minimax-m2", "talkie":
            Self(.casedWords(maximumDigitCount: 3, takesContractions: true))
        case "granite-embed-multi-97m":
            Self(
                .casedWords(maximumDigitCount: 3, takesContractions: true),
                ignoresMerges: true
            )
        case "tekken":
            Self(
                .casedWords(maximumDigitCount: 1, takesContractions: false),
                ignoresMerges: true,
                addsBeginningToken: true
            )
        case "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4":
            Self(.run(.number, maximumCount: 3), .run(.ideographsAndKana), .deepSeek)
        case "deepseek-llm":
            Self(
                .run(.lineBreak, maximumCount: 1),
                .run(.deepSeekLetter, takesBlank: true),
                .run(.deepSeekPunctuation, takesBlank: true),
                .trailingBlanks,
                .run(.ideographsAndOthers),
                .run(.number)
            )
        case "deepseek-coder":
            Self(
                .run(.lineBreak, maximumCount: 1),
                .run(.letter, takesBlank: true),
                .run(.punctuation, takesBlank: true),
                .run(.ideographsAndOthers),
                .run(.number, maximumCount: 1)
            )
        case "falcon":
            Self(.run(.falconPunctuation), .gpt2, .threeDigits)
        case "superbpe":
            Self(.run(.number), .digitGroups)
        case "bloom", "poro-chat", "gpt3-finnish":
            Self(.run(.bloomWord, takesBlank: true, blankIsSpace: true))
        case "viking":
            Self(
                .run(.bloomWord, takesBlank: true, blankIsSpace: true),
                .run(.number, maximumCount: 1)
            )
        case "gemma4", "granite-embed-multi-311m", "sarvam-moe":
            Self(.run(.newline), alphabet: .characters)
        default: nil
        }
    }

    /// The best-known names, for an error message.
    static let names = [
        "gpt-2", "smollm", "starcoder", "llama-bpe", "falcon3", "qwen2", "qwen35", "gpt-4o",
        "tekken", "deepseek-llm", "deepseek-coder", "deepseek-v3", "falcon",
    ]
}

/// How text is split into pieces before byte pairs are merged within each piece.
///
/// Each family is what a regular expression of the model's authors says; here it is a scanner by
/// hand over character classes. Files name it in `tokenizer.ggml.pre`.
enum PreTokenizer: Sendable, Hashable {
    /// GPT-2:
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    case gpt2
    /// SmolLM: every `\p{N}` stands alone, and what is between goes through GPT-2's rules.
    case smollm
    /// Llama 3 and Qwen 2, which differ in how many digits go together (3 and 1):
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*`
    /// `|\s*[\r\n]+|\s+(?!\S)|\s+`. Qwen 3.5 counts marks (`\p{M}`) as letters.
    case llama3(maximumDigitCount: Int, marksAreLetters: Bool = false)

    /// What follows from the name in `tokenizer.ggml.pre`.
    struct Rules: Sendable, Hashable {
        var preTokenizer: PreTokenizer
        /// A piece that is a token is taken as it is, whether or not merges lead to it.
        var ignoresMerges = false
        /// The default of `tokenizer.ggml.add_bos_token`.
        var addsBeginningToken = false
    }

    /// The rules for a name in `tokenizer.ggml.pre`; nil if it isn't known.
    static func rules(named name: String) -> Rules? {
        switch name {
        case "gpt-2", "mpt", "olmo", "phi-2", "jais", "trillion", "gigachat", "a.x-4.0", "mellum",
            "exaone4", "modern-bert", "granite-docling", "roberta-bpe", "jina-es", "jina-de",
            "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code":
            Rules(preTokenizer: .gpt2)
        case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b",
            "mellum2":
            Rules(preTokenizer: .smollm)
        case "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0",
            "lfm2", "jina-v5-nano":
            Rules(
                preTokenizer: .llama3(maximumDigitCount: 3),
                ignoresMerges: true,
                addsBeginningToken: true
            )
        case "glm4", "glm5":
            Rules(preTokenizer: .llama3(maximumDigitCount: 3), ignoresMerges: true)
        case "dbrx", "smaug-bpe", "chatglm-bpe":
            Rules(preTokenizer: .llama3(maximumDigitCount: 3))
        case "qwen2", "deepseek-r1-qwen", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2",
            "kormo", "f2llmv2", "laguna":
            Rules(preTokenizer: .llama3(maximumDigitCount: 1))
        case "qwen35":
            Rules(preTokenizer: .llama3(maximumDigitCount: 1, marksAreLetters: true))
        default: nil
        }
    }

    /// The best-known names, for an error message.
    static let names = [
        "gpt-2", "smollm", "starcoder", "llama-bpe", "falcon3", "qwen2", "qwen35",
    ]
}

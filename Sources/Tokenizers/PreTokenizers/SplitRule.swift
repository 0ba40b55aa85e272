/// One way to split text: what a regular expression of some model's authors says, as a scanner by hand
/// over character classes.
///
/// What the expression doesn't match stays together as a piece too.
enum SplitRule: Sendable, Hashable {
    /// GPT-2:
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    case gpt2
    /// Llama 3 and Qwen 2, which differ in how many digits go together (3 and 1):
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*`
    /// `|\s*[\r\n]+|\s+(?!\S)|\s+`. Qwen 3.5 counts marks (`\p{M}`) as letters.
    case words(
        maximumDigitCount: Int,
        marksAreLetters: Bool = false,
        symbolsTakeLineBreaks: Bool = true
    )
    /// GPT-4o and Mistral's Tekken, which tell capitals (`U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`) from
    /// small letters (`l = [\p{Ll}\p{Lm}\p{Lo}\p{M}]`): `[^\r\n\p{L}\p{N}]?U*l+` or
    /// `[^\r\n\p{L}\p{N}]?U+l*`, GPT-4o with a contraction behind it, `|\p{N}{1,n}`
    /// `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
    case casedWords(maximumDigitCount: Int, takesContractions: Bool)
    /// DeepSeek 3: a sign of ASCII with `[A-Za-z]+`, `[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+`,
    /// `| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
    case deepSeek
    /// `[…]{1,n}`, with `\s?` or ` ?` in front of it.
    case run(
        CharacterGroup,
        maximumCount: Int = .max,
        takesBlank: Bool = false,
        blankIsSpace: Bool = false
    )
    /// `\s+$`.
    case trailingBlanks
    /// `[0-9][0-9][0-9]`.
    case threeDigits
    /// Runs of numbers in groups of three that are counted from the right.
    case digitGroups
}

/// A set of characters that a rule looks for.
enum CharacterGroup: Sendable, Hashable {
    case letter
    case number
    case punctuation
    /// `\n`.
    case newline
    /// `[\r\n]`.
    case lineBreak
    /// `[一-龥぀-ゟ゠-ヿ]`.
    case ideographsAndKana
    /// `[一-龥ࠀ-一가-퟿]`: all scripts from U+0800 to the ideographs, and Hangul.
    case ideographsAndOthers
    /// The letters with case that DeepSeek's first vocabulary lists.
    case deepSeekLetter
    /// `[!-/:-~！-／：-～‘-‟\u3000-。]`.
    case deepSeekPunctuation
    /// `[\p{P}\$\+<=>\^~\|`]`.
    case falconPunctuation
    /// `[^(\s|.,!?…。，、।۔،)]`.
    case bloomWord

    /// Whether a character of a class is one of the set.
    func contains(_ value: UInt32, _ kind: CharacterClass) -> Bool {
        switch self {
        case .letter: return !kind.isDisjoint(with: .letter)
        case .number: return kind == .number
        case .punctuation: return kind == .punctuation
        case .newline: return value == 0x0A
        case .lineBreak: return value == 0x0A || value == 0x0D
        case .ideographsAndKana:
            return (0x4E00...0x9FA5).contains(value) || (0x3040...0x30FF).contains(value)
        case .ideographsAndOthers:
            return (0x0800...0x9FA5).contains(value) || (0xAC00...0xD7FF).contains(value)
        case .deepSeekLetter:
            return !kind.isDisjoint(with: [.uppercase, .lowercase])
                && !Self.unlistedLetters.contains { $0.contains(value) }
        case .deepSeekPunctuation:
            switch value {
            case 0x21...0x2F, 0x3A...0x7E, 0xFF01...0xFF0F, 0xFF1A...0xFF5E, 0x2018...0x201F,
                0x3000...0x3002:
                return true
            default:
                return false
            }
        case .falconPunctuation:
            if kind == .punctuation { return true }
            return value < 0x80 && "$+<=>^~|`".utf8.contains(UInt8(truncatingIfNeeded: value))
        case .bloomWord:
            return kind != .whitespace && !Self.bloomSeparators.contains(value)
        }
    }

    private static let bloomSeparators = Set("(|.,!?…。，、।۔،)".unicodeScalars.map(\.value))

    /// Letters with case that the list lacks: Armenian and Georgian ones, later Latin and Cyrillic ones,
    /// mathematical ones.
    private static let unlistedLetters: [ClosedRange<UInt32>] = [
        0x560...0x588, 0x10C7...0x10FF, 0x1C80...0x1C88, 0x2D00...0x2D2D, 0xA790...0xA7FA,
        0xAB30...0xAB68, 0x1_0570...0x1_05BC, 0x1_6E40...0x1_6E7F, 0x1_D400...0x1_D7CB,
        0x1_DF00...0x1_DF1E,
    ]
}

/// What BERT does with text before words are looked up: accents and capitals may go, and every
/// character is part of a word, a word of its own, or a gap.
///
/// The rules are those of `BertNormalizer` and `BertPreTokenizer` in Hugging Face's `tokenizers`.
struct WordNormalizer: Sendable, Hashable {
    /// Whether capitals become small letters.
    var lowercases = true
    /// Whether marks above and below letters go.
    var stripsAccents = true

    /// Where a character stands.
    enum Role: Sendable {
        case partOfWord
        /// A punctuation mark or an ideograph.
        case wordOfItsOwn
        case betweenWords
    }

    /// Calls `body` with each character that is left of `text`, and where it stands.
    func forEach(
        _ text: ArraySlice<UInt8>,
        _ body: (_ scalar: Unicode.Scalar, _ role: Role) -> Void
    ) {
        if text.allSatisfy({ $0 < 0x80 }) {
            for byte in text { visit(Unicode.Scalar(byte), body) }
            return
        }
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            guard stripsAccents, scalar.value >= 0x80,
                let base = AccentTable.base(of: scalar.value)
            else {
                visit(scalar, body)
                continue
            }
            for value in base { Unicode.Scalar(value).map { visit($0, body) } }
        }
    }

    private func visit(
        _ scalar: Unicode.Scalar,
        _ body: (_ scalar: Unicode.Scalar, _ role: Role) -> Void
    ) {
        guard scalar.value >= 0x80 else {
            guard let role = Self.asciiRole(UInt8(truncatingIfNeeded: scalar.value)) else { return }
            let isCapital = lowercases && (0x41...0x5A).contains(scalar.value)
            body(isCapital ? Unicode.Scalar(UInt8(scalar.value | 0x20)) : scalar, role)
            return
        }
        let properties = scalar.properties
        let category = properties.generalCategory
        switch category {
        case .control, .format, .privateUse, .surrogate:
            return
        case .nonspacingMark where stripsAccents:
            return
        default:
            if scalar.value == 0xFFFD { return }
        }
        guard !properties.isWhitespace else { return body(scalar, .betweenWords) }
        let isAlone = Self.isPunctuation(category) || Self.isIdeograph(scalar.value)
        let role: Role = isAlone ? .wordOfItsOwn : .partOfWord
        guard lowercases, properties.changesWhenLowercased else { return body(scalar, role) }
        for lower in properties.lowercaseMapping.unicodeScalars { body(lower, role) }
    }

    /// Nil for characters that are left out.
    private static func asciiRole(_ byte: UInt8) -> Role? {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
            .betweenWords
        case 0..<0x20, 0x7F:
            nil
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A:
            .partOfWord
        default:
            .wordOfItsOwn
        }
    }

    private static func isPunctuation(_ category: Unicode.GeneralCategory) -> Bool {
        switch category {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            true
        default:
            false
        }
    }

    /// The blocks of Chinese characters that BERT's vocabularies know one by one.
    ///
    /// The sixth starts where `tokenizers` has it, a hundred characters behind the block's begin.
    private static func isIdeograph(_ value: UInt32) -> Bool {
        switch value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x2_0000...0x2_A6DF, 0x2_A700...0x2_B73F,
            0x2_B740...0x2_B81F, 0x2_B920...0x2_CEAF, 0xF900...0xFAFF, 0x2_F800...0x2_FA1F:
            true
        default:
            false
        }
    }
}

/// What the rules for splitting text ask of a character: its general category, in groups.
///
/// A set: a character has one of these bits, or none (controls, unassigned).
struct CharacterClass: OptionSet, Sendable, Hashable {
    let rawValue: UInt8

    /// Categories Lu and Lt.
    static let uppercase = CharacterClass(rawValue: 1)
    /// Category Ll.
    static let lowercase = CharacterClass(rawValue: 2)
    /// Categories Lm and Lo.
    static let caseless = CharacterClass(rawValue: 4)
    /// General category N.
    static let number = CharacterClass(rawValue: 8)
    /// The property White_Space.
    static let whitespace = CharacterClass(rawValue: 16)
    /// General category M.
    static let mark = CharacterClass(rawValue: 32)
    /// General category P.
    static let punctuation = CharacterClass(rawValue: 64)
    /// General category S.
    static let symbol = CharacterClass(rawValue: 128)

    /// General category L.
    static let letter: CharacterClass = [.uppercase, .lowercase, .caseless]
}

/// The classes of all characters, from the standard library's Unicode tables, unpacked once per
/// process: the look-up is one load.
struct CharacterClassTable: Sendable {
    /// The table of this process.
    ///
    /// Takes some 200 KB.
    static let shared = CharacterClassTable()

    /// Above it lie only tags, variation selectors (marks) and private characters.
    private static let end: UInt32 = 0x3_3480
    private static let supplementaryMarks: ClosedRange<UInt32> = 0xE_0100...0xE_01EF

    private let classes: [CharacterClass]

    private init() {
        classes = (0..<Self.end).map { value in
            Unicode.Scalar(value).map(Self.classify) ?? []
        }
    }

    subscript(value: UInt32) -> CharacterClass {
        if value < Self.end { return classes[Int(value)] }
        return Self.supplementaryMarks.contains(value) ? .mark : []
    }

    /// Characters that are younger than Unicode 16 count as unassigned: vocabularies were made with
    /// the tables of their day, and tokens must not change with the Swift compiler.
    private static func classify(_ scalar: Unicode.Scalar) -> CharacterClass {
        guard let age = scalar.properties.age, age.major <= 16 else { return [] }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter: .uppercase
        case .lowercaseLetter: .lowercase
        case .modifierLetter, .otherLetter: .caseless
        case .decimalNumber, .letterNumber, .otherNumber: .number
        case .nonspacingMark, .spacingMark, .enclosingMark: .mark
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            .punctuation
        case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: .symbol
        default: scalar.properties.isWhitespace ? .whitespace : []
        }
    }
}

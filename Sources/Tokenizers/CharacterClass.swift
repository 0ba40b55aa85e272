/// What the rules for splitting text ask of a character.
///
/// A set: a character has one of the first four bits or none (punctuation, symbols, controls,
/// unassigned).
struct CharacterClass: OptionSet, Sendable {
    let rawValue: UInt8

    /// General category L.
    static let letter = CharacterClass(rawValue: 1)
    /// General category N.
    static let number = CharacterClass(rawValue: 2)
    /// The property White_Space.
    static let whitespace = CharacterClass(rawValue: 4)
    /// General category M.
    static let mark = CharacterClass(rawValue: 8)
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
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            .letter
        case .decimalNumber, .letterNumber, .otherNumber:
            .number
        case .nonspacingMark, .spacingMark, .enclosingMark:
            .mark
        default:
            scalar.properties.isWhitespace ? .whitespace : []
        }
    }
}

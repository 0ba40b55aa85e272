/// The characters of texts in 31 categories, so that a set of them is one number: what grammars
/// rarely tell apart shares a category, what they single out has one of its own.
///
/// A set of categories is a `UInt32` with a bit for each.
enum TextCategories {
    /// The ASCII characters of each category, by the category's number.
    private static let ascii: [[UInt8]] =
        [
            Array("abcdefghijklmnopqrstuvwxyz".utf8), Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8),
            Array("0123456789".utf8),
        ]
        + ["_", "-", " ", "\t", "\n", "\r", "\"", "'", "\\", "/", ".", ",", ":", ";", "<", ">"]
        .map { Array($0.utf8) }
        + ["()", "[", "]", "{", "}", "=", "+*", "&|^~", "!?", "#$%@`"].map { Array($0.utf8) }
        + [Array(0x00...0x08) + [0x0B, 0x0C] + Array(0x0E...0x1F) + [0x7F]]

    /// All characters beyond ASCII.
    static let beyondASCII = ascii.count
    /// The categories of characters.
    static let count = ascii.count + 1
    /// The bit of bytes that are no text: well-formed UTF-8 has none, and no set of characters has it.
    static let malformed: UInt32 = 1 << 31
    /// The categories of all characters.
    static let all: UInt32 = 1 << UInt32(count) - 1

    /// Those that most tokens consist of: letters.
    static let commonest: UInt32 = 0b11 | 1 << UInt32(beyondASCII)

    /// The bytes of an ASCII category.
    static func bytes(of category: Int) -> [UInt8] { ascii[category] }

    /// The bit of each ASCII character.
    static let bits: [UInt32] = {
        var bits = [UInt32](repeating: malformed, count: 0x80)
        for (category, bytes) in ascii.enumerated() {
            for byte in bytes { bits[Int(byte)] = 1 << UInt32(category) }
        }
        return bits
    }()

    /// Reads a text from its beginning, byte by byte.
    struct Reader {
        /// The categories so far, or of a text that isn't well-formed also ``malformed``.
        private(set) var categories: UInt32 = 0
        /// The characters begun so far.
        private(set) var characterCount = 0
        /// How many bytes are missing of the last character, and what the next of them may be.
        private var missing = 0
        private var low: UInt8 = 0x80
        private var high: UInt8 = 0xBF

        mutating func read(_ byte: UInt8) {
            if missing > 0 {
                if byte < low || byte > high { categories |= malformed }
                (missing, low, high) = (missing - 1, 0x80, 0xBF)
                return
            }
            characterCount += 1
            guard byte >= 0x80 else {
                categories |= bits[Int(byte)]
                return
            }
            categories |= 1 << UInt32(beyondASCII)
            // RFC 3629 §4.
            switch byte {
            case 0xC2...0xDF: missing = 1
            case 0xE0: (missing, low) = (2, 0xA0)
            case 0xED: (missing, high) = (2, 0x9F)
            case 0xE1...0xEF: missing = 2
            case 0xF0: (missing, low) = (3, 0x90)
            case 0xF4: (missing, high) = (3, 0x8F)
            case 0xF1...0xF3: missing = 3
            default: categories |= malformed
            }
        }
    }
}

/// How characters are written inside JSON strings (RFC 8259 §7).
enum JSONStringEncoding {
    /// The characters that need an escape.
    static let escaped = ScalarSet([0x00...0x1F, 0x22...0x22, 0x5C...0x5C])

    /// The escape of one of those characters.
    static func escape(_ scalar: UInt32) -> [UInt8] {
        switch scalar {
        case 0x22: return Array(#"\""#.utf8)
        case 0x5C: return Array(#"\\"#.utf8)
        case 0x08: return Array(#"\b"#.utf8)
        case 0x09: return Array(#"\t"#.utf8)
        case 0x0A: return Array(#"\n"#.utf8)
        case 0x0C: return Array(#"\f"#.utf8)
        case 0x0D: return Array(#"\r"#.utf8)
        default:
            let digits = String(scalar, radix: 16)
            return Array((#"\u"# + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
        }
    }
}

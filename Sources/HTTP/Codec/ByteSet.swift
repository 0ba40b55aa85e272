/// A set of ASCII bytes, for the character classes of the grammar.
struct ByteSet: Sendable {
    private let low: UInt64
    private let high: UInt64

    private init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    init(_ characters: StaticString) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        // Safety: the buffer is the literal's own storage, which lives for ever.
        characters.withUTF8Buffer { buffer in
            for index in buffer.indices {
                let byte = unsafe buffer[index]
                if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
            }
        }
        self.init(low: low, high: high)
    }

    func contains(_ byte: UInt8) -> Bool {
        if byte < 64 { return low >> UInt64(byte) & 1 != 0 }
        return byte < 128 && high >> UInt64(byte - 64) & 1 != 0
    }

    /// Whether every byte belongs to the set.
    func containsAll(_ bytes: some Sequence<UInt8>) -> Bool {
        bytes.allSatisfy(contains)
    }

    /// tchar of RFC 9110 §5.6.2.
    static let token = ByteSet(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )

    /// unreserved and sub-delims of RFC 3986 §2 without the comma, plus "%": what a host name may
    /// consist of.
    ///
    /// The comma is left out so that no list of hosts passes for one host.
    static let registeredName = ByteSet(
        "-._~!$&'()*+;=%0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )

    /// What may stand between the brackets of an IP literal, future versions and zones left out.
    static let addressLiteral = ByteSet("0123456789ABCDEFabcdef:.")

    /// The characters that request ids of clients may have.
    static let requestID = ByteSet(
        "-._:/+=@0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )
}

extension UInt8 {
    /// Whether the byte may stand in a field value (RFC 9110 §5.5): visible ASCII, space, tab, and
    /// the bytes above ASCII.
    var isFieldValueByte: Bool { self >= 0x20 && self != 0x7f || self == 0x09 }

    /// Space or tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    var isDigit: Bool { self >= 0x30 && self <= 0x39 }

    /// The value of a hexadecimal digit.
    var hexadecimalValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}

/// Follows one JSON value byte by byte and says where it ends (RFC 8259).
///
/// Nesting is limited to 128. A number or a word at the top ends with the byte after it.
struct JSONScanner: Sendable {
    /// What a byte was.
    enum Step: Sendable, Hashable {
        /// Part of the value, which goes on.
        case more
        /// The value's last byte.
        case ended
        /// The first byte after the value.
        case endedBefore
        /// Not JSON.
        case invalid
    }

    private enum State: Sendable, Hashable {
        case value
        case valueOrEnd
        case keyOrEnd
        case key
        case colon
        case afterValue
        case string(isKey: Bool)
        case escape(isKey: Bool)
        case unicode(digitsLeft: Int, isKey: Bool)
        case minus
        case zero
        case integer
        case point
        case fraction
        case exponentMark
        case exponentSign
        case exponent
        case word(rest: [UInt8])
        case done
    }

    private var state = State.value
    /// Whether each open container is an object.
    private var containers: [Bool] = []

    static let maximumDepth = 128

    /// Whether the next byte is inside a string.
    var isInString: Bool {
        switch state {
        case .string, .escape, .unicode: true
        default: false
        }
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    /// Takes the next byte; after the end or a fault nothing may follow.
    mutating func consume(_ byte: UInt8) -> Step {
        switch state {
        case .value, .valueOrEnd: return value(byte)
        case .keyOrEnd, .key, .colon, .afterValue: return structure(byte)
        case .string, .escape, .unicode: return string(byte)
        case .minus, .zero, .integer, .point, .fraction, .exponentMark, .exponentSign, .exponent:
            return number(byte)
        case .word(let rest):
            guard rest.first == byte else { return .invalid }
            if rest.count > 1 { return go(.word(rest: Array(rest.dropFirst()))) }
            return endValue()
        case .done: return .endedBefore
        }
    }

    private mutating func go(_ next: State) -> Step {
        state = next
        return .more
    }

    private mutating func endValue() -> Step {
        state = containers.isEmpty ? .done : .afterValue
        return containers.isEmpty ? .ended : .more
    }

    private mutating func value(_ byte: UInt8) -> Step {
        if Self.isSpace(byte) { return .more }
        switch byte {
        case UInt8(ascii: "]") where state == .valueOrEnd: return close(isObject: false)
        case UInt8(ascii: "{"): return open(isObject: true)
        case UInt8(ascii: "["): return open(isObject: false)
        case UInt8(ascii: "\""): return go(.string(isKey: false))
        case UInt8(ascii: "-"): return go(.minus)
        case UInt8(ascii: "0"): return go(.zero)
        case UInt8(ascii: "1")...UInt8(ascii: "9"): return go(.integer)
        case UInt8(ascii: "t"): return go(.word(rest: Array("rue".utf8)))
        case UInt8(ascii: "f"): return go(.word(rest: Array("alse".utf8)))
        case UInt8(ascii: "n"): return go(.word(rest: Array("ull".utf8)))
        default: return .invalid
        }
    }

    private mutating func structure(_ byte: UInt8) -> Step {
        if Self.isSpace(byte) { return .more }
        switch (state, byte) {
        case (.keyOrEnd, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            return go(.string(isKey: true))
        case (.keyOrEnd, UInt8(ascii: "}")): return close(isObject: true)
        case (.colon, UInt8(ascii: ":")): return go(.value)
        case (.afterValue, UInt8(ascii: ",")):
            return go(containers.last == true ? .key : .value)
        case (.afterValue, UInt8(ascii: "}")): return close(isObject: true)
        case (.afterValue, UInt8(ascii: "]")): return close(isObject: false)
        default: return .invalid
        }
    }

    private mutating func open(isObject: Bool) -> Step {
        guard containers.count < Self.maximumDepth else { return .invalid }
        containers.append(isObject)
        return go(isObject ? .keyOrEnd : .valueOrEnd)
    }

    private mutating func close(isObject: Bool) -> Step {
        guard containers.popLast() == isObject else { return .invalid }
        return endValue()
    }

    private mutating func string(_ byte: UInt8) -> Step {
        switch state {
        case .string(let isKey):
            switch byte {
            case 0..<0x20: return .invalid
            case UInt8(ascii: "\\"): return go(.escape(isKey: isKey))
            case UInt8(ascii: "\""): return isKey ? go(.colon) : endValue()
            default: return .more
            }
        case .escape(let isKey):
            if byte == UInt8(ascii: "u") { return go(.unicode(digitsLeft: 4, isKey: isKey)) }
            guard "\"\\/bfnrt".utf8.contains(byte) else { return .invalid }
            return go(.string(isKey: isKey))
        case .unicode(let digitsLeft, let isKey):
            guard Unicode.Scalar(byte).properties.isASCIIHexDigit else { return .invalid }
            if digitsLeft == 1 { return go(.string(isKey: isKey)) }
            return go(.unicode(digitsLeft: digitsLeft - 1, isKey: isKey))
        default: return .invalid
        }
    }

    private mutating func number(_ byte: UInt8) -> Step {
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        let isExponent = byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
        let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
        switch state {
        case .minus where byte == UInt8(ascii: "0"): return go(.zero)
        case .minus where isDigit: return go(.integer)
        case .zero where byte == UInt8(ascii: "."), .integer where byte == UInt8(ascii: "."):
            return go(.point)
        case .zero where isExponent, .integer where isExponent, .fraction where isExponent:
            return go(.exponentMark)
        case .integer where isDigit, .fraction where isDigit, .exponent where isDigit: return .more
        case .point where isDigit: return go(.fraction)
        case .exponentMark where isSign: return go(.exponentSign)
        case .exponentMark where isDigit, .exponentSign where isDigit: return go(.exponent)
        case .zero, .integer, .fraction, .exponent:
            if containers.isEmpty { return .endedBefore }
            state = .afterValue
            return structure(byte)
        default: return .invalid
        }
    }
}

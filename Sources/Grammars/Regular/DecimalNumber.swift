import JSON

/// A number as decimal digits, exactly as a schema writes it.
struct DecimalNumber: Sendable, Hashable {
    var isNegative: Bool
    /// Without leading zeros, but "0" for none.
    var integerDigits: [UInt32]
    /// Without trailing zeros.
    var fractionDigits: [UInt32]

    static let zero = DecimalNumber(isNegative: false, integerDigits: [0], fractionDigits: [])

    /// The digits of a JSON number; nil when there are more than 60 of them, or it is no number.
    init?(_ value: JSONValue) {
        let text: String
        switch value {
        case .integer(let integer): text = String(integer)
        case .double(let double): text = double.description
        default: return nil
        }
        let parts = text.lowercased().split(separator: "e")
        var mantissa = String(parts[0])
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        guard abs(exponent) <= 60 else { return nil }
        isNegative = mantissa.hasPrefix("-")
        if isNegative { mantissa.removeFirst() }
        let halves = mantissa.split(separator: ".")
        func digits(_ text: Substring) -> [UInt32] { text.unicodeScalars.map { $0.value - 0x30 } }
        var integer = digits(halves[0])
        var fraction = halves.count > 1 ? digits(halves[1]) : []
        for _ in 0..<max(exponent, 0) {
            integer.append(fraction.isEmpty ? 0 : fraction.removeFirst())
        }
        for _ in 0..<max(-exponent, 0) { fraction.insert(integer.popLast() ?? 0, at: 0) }
        while fraction.last == 0 { fraction.removeLast() }
        while integer.count > 1, integer.first == 0 { integer.removeFirst() }
        integerDigits = integer.isEmpty ? [0] : integer
        fractionDigits = fraction
        guard integer.count + fraction.count <= 60 else { return nil }
        if isZero { isNegative = false }
    }

    private init(isNegative: Bool, integerDigits: [UInt32], fractionDigits: [UInt32]) {
        self.isNegative = isNegative
        self.integerDigits = integerDigits
        self.fractionDigits = fractionDigits
    }

    var isZero: Bool { integerDigits == [0] && fractionDigits.isEmpty }

    var negated: DecimalNumber {
        DecimalNumber(
            isNegative: !isNegative && !isZero,
            integerDigits: integerDigits,
            fractionDigits: fractionDigits
        )
    }
}

extension DecimalNumber: Comparable {
    static func < (left: DecimalNumber, right: DecimalNumber) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        if left.isNegative { return right.negated < left.negated }
        if left.integerDigits.count != right.integerDigits.count {
            return left.integerDigits.count < right.integerDigits.count
        }
        if left.integerDigits != right.integerDigits {
            return left.integerDigits.lexicographicallyPrecedes(right.integerDigits)
        }
        return left.fractionDigits.lexicographicallyPrecedes(right.fractionDigits)
    }
}

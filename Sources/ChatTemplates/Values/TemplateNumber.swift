/// A number in an arithmetic operation: Python's `int` (bounded to 64 bits) or `float`.
enum TemplateNumber {
    case integer(Int)
    case float(Double)

    var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .float(let value): value
        }
    }

    var value: TemplateValue {
        switch self {
        case .integer(let value): .integer(value)
        case .float(let value): .float(value)
        }
    }

    /// Compares as Python does, exactly even where an integer has no double.
    static func == (left: TemplateNumber, right: TemplateNumber) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left == right
        case (.integer(let integer), .float(let float)), (.float(let float), .integer(let integer)):
            float >= -0x1p63 && float < 0x1p63 && float == float.rounded(.towardZero)
                && Int(float) == integer
        case (.float(let left), .float(let right)): left == right
        }
    }

    static func < (left: TemplateNumber, right: TemplateNumber) -> Bool {
        if case (.integer(let left), .integer(let right)) = (left, right) { return left < right }
        return left.double < right.double
    }
}

extension Double {
    /// The shortest digits that give the number back, laid out as Python's `repr` does: an exponent below
    /// 10⁻⁴ and from 10¹⁶, else a point.
    var pythonText: String {
        guard isFinite else { return isNaN ? "nan" : self < 0 ? "-inf" : "inf" }
        if self == 0 { return sign == .minus ? "-0.0" : "0.0" }
        let (digits, exponent) = magnitude.shortestDigits
        let sign = self < 0 ? "-" : ""
        // `exponent` is the power of ten of the first digit.
        if exponent < -4 || exponent >= 16 {
            let fraction = digits.dropFirst()
            let mantissa = String(digits.prefix(1)) + (fraction.isEmpty ? "" : "." + fraction)
            let size = String(exponent.magnitude)
            let padded = size.count < 2 ? "0" + size : size
            return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + padded
        }
        if exponent < 0 {
            return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits
        }
        let wholeCount = exponent + 1
        if digits.count <= wholeCount {
            return sign + digits + String(repeating: "0", count: wholeCount - digits.count) + ".0"
        }
        return sign + digits.prefix(wholeCount) + "." + digits.dropFirst(wholeCount)
    }

    /// The significant digits of a positive number, and the power of ten of the first.
    private var shortestDigits: (digits: String, exponent: Int) {
        let parts = description.split(separator: "e", maxSplits: 1)
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(
            separator: ".",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let whole = mantissa[0]
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        var digits = String(whole + fraction)
        exponent += whole.count - 1
        while digits.hasPrefix("0"), digits.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
        return (digits, exponent)
    }
}

extension JSONParser {
    /// Reads a number (RFC 8259 §6); `position` is at its sign or first digit.
    mutating func parseNumber(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let digitsStart = position
        var magnitude: UInt64 = 0
        var isExact = true
        readDigits(bytes, into: &magnitude, isExact: &isExact)
        let integerDigitCount = position - digitsStart
        guard integerDigitCount > 0 else { throw failure(bytes) }
        guard integerDigitCount == 1 || bytes[digitsStart] != UInt8(ascii: "0") else {
            throw JSONError(.invalidNumber, at: digitsStart)
        }
        var isInteger = true
        var exponent = 0
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            let fractionStart = position
            readDigits(bytes, into: &magnitude, isExact: &isExact)
            guard position > fractionStart else { throw failure(bytes) }
            exponent = fractionStart - position
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            exponent += try readExponent(bytes)
        }
        guard position - start <= Self.maximumNumberByteCount else {
            throw JSONError(.numberTooLong, at: start)
        }
        if isInteger, isExact {
            if let value = Int(exactly: magnitude) { return .integer(isNegative ? -value : value) }
            if isNegative, magnitude == Int.min.magnitude { return .integer(.min) }
        }
        if isExact, magnitude < 1 << 53, (-22...22).contains(exponent) {
            // Both operands are exact doubles, so one rounding gives the nearest double.
            let power = Self.powersOfTen[Int(exponent.magnitude)]
            let value = exponent < 0 ? Double(magnitude) / power : Double(magnitude) * power
            return .double(isNegative ? -value : value)
        }
        return .double(try slowDouble(bytes.extracting(start..<position), at: start))
    }

    private mutating func readDigits(
        _ bytes: Span<UInt8>,
        into magnitude: inout UInt64,
        isExact: inout Bool
    ) {
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { return }
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            isExact = isExact && !overflow && !carry
            magnitude = sum
            position += 1
        }
    }

    /// Reads `e`, an optional sign and digits; a value beyond ±100,000 is cut to that.
    private mutating func readExponent(_ bytes: Span<UInt8>) throws(JSONError) -> Int {
        position += 1
        var isNegative = false
        if position < bytes.count {
            isNegative = bytes[position] == UInt8(ascii: "-")
            if isNegative || bytes[position] == UInt8(ascii: "+") { position += 1 }
        }
        let start = position
        var exponent = 0
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            exponent = min(exponent * 10 + Int(digit), 100_000)
            position += 1
        }
        guard position > start else { throw failure(bytes) }
        return isNegative ? -exponent : exponent
    }

    /// The error for a missing digit at `position`.
    private func failure(_ bytes: Span<UInt8>) -> JSONError {
        JSONError(position < bytes.count ? .invalidNumber : .unexpectedEnd, at: position)
    }

    /// The general conversion of the standard library, for literals the exact shortcut cannot take.
    private func slowDouble(_ literal: Span<UInt8>, at start: Int) throws(JSONError) -> Double {
        var text = ""
        for index in literal.indices { text.unicodeScalars.append(Unicode.Scalar(literal[index])) }
        guard let value = Double(text) else { throw JSONError(.invalidNumber, at: start) }
        guard value.isFinite else { throw JSONError(.numberOutOfRange, at: start) }
        return value
    }

    /// 10⁰ … 10²², all exact in a double.
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]
}

extension TemplateLexer {
    /// Operators and brackets, longest first.
    private static let symbols = [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "(", ")", "[", "]", "{",
        "}",
        ">", "<", "=", ".", ":", "|", ",", ";",
    ]

    /// Reads one token inside a tag and keeps the list of open brackets.
    mutating func tokenizeOne(_ brackets: inout [Unicode.Scalar]) throws(ChatTemplateError) {
        let start = position
        let scalar = source[position]
        let kind: TemplateToken.Kind
        if scalar == "'" || scalar == "\"" {
            kind = .string(try readString(quote: scalar))
        } else if ("0"..."9").contains(scalar) {
            kind = try readNumber()
        } else if Self.isNameStart(scalar) {
            while position < source.count, Self.isNamePart(source[position]) { position += 1 }
            kind = .name(text(start..<position))
        } else if let symbol = Self.symbols.first(where: { follows($0, at: position) }) {
            position += symbol.unicodeScalars.count
            kind = .symbol(symbol)
            try match(scalar, &brackets, at: start)
        } else {
            throw failure("'\(scalar)' means nothing in a template's tag", at: start)
        }
        tokens.append(TemplateToken(kind: kind, position: SourcePosition(start)))
    }

    private func match(
        _ scalar: Unicode.Scalar,
        _ brackets: inout [Unicode.Scalar],
        at start: Int
    ) throws(ChatTemplateError) {
        switch scalar {
        case "(": brackets.append(")")
        case "[": brackets.append("]")
        case "{": brackets.append("}")
        case ")", "]", "}":
            guard brackets.popLast() == scalar else {
                throw failure("'\(scalar)' closes nothing here", at: start)
            }
        default: break
        }
    }

    private func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: source[range])
        return String(view)
    }

    private static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isXIDStart
    }

    private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isXIDContinue
    }

    /// Reads an integer or a float; underscores between digits are allowed, as in Python.
    private mutating func readNumber() throws(ChatTemplateError) -> TemplateToken.Kind {
        let start = position
        let radix: Int? =
            switch position + 1 < source.count && source[position] == "0"
                ? source[position + 1] : " "
            {
            case "x", "X": 16
            case "o", "O": 8
            case "b", "B": 2
            default: nil
            }
        if let radix {
            position += 2
            while position < source.count, Self.isNamePart(source[position]) { position += 1 }
            let digits = text(start + 2..<position).filter { $0 != "_" }
            guard let value = Int(digits, radix: radix) else {
                throw failure("this number is malformed or too large", at: start)
            }
            return .integer(value)
        }
        skipDigits()
        var isFloat = false
        let followsPoint = start > 0 && source[start - 1] == "."
        if !followsPoint, isDigit(position + 1), source[position] == "." {
            isFloat = true
            position += 1
            skipDigits()
        }
        if !followsPoint, position < source.count,
            source[position] == "e" || source[position] == "E"
        {
            let hasSign =
                position + 1 < source.count
                && (source[position + 1] == "+" || source[position + 1] == "-")
            if isDigit(position + (hasSign ? 2 : 1)) {
                isFloat = true
                position += hasSign ? 2 : 1
                skipDigits()
            }
        }
        let digits = text(start..<position).filter { $0 != "_" }
        if isFloat, let value = Double(digits) { return .float(value) }
        if !isFloat, let value = Int(digits) { return .integer(value) }
        throw failure("this number is too large for 64 bits", at: start)
    }

    private func isDigit(_ index: Int) -> Bool {
        index < source.count && ("0"..."9").contains(source[index])
    }

    private mutating func skipDigits() {
        while isDigit(position) || (position < source.count && source[position] == "_") {
            position += 1
        }
    }

    /// Reads a string in quotes with Python's escapes; an unknown escape keeps its backslash.
    private mutating func readString(quote: Unicode.Scalar) throws(ChatTemplateError) -> String {
        let start = position
        position += 1
        var view = String.UnicodeScalarView()
        while position < source.count {
            let scalar = source[position]
            position += 1
            if scalar == quote { return String(view) }
            guard scalar == "\\" else {
                view.append(scalar)
                continue
            }
            guard position < source.count else { break }
            try readEscape(into: &view)
        }
        throw failure("this string has no closing quote", at: start)
    }

    private mutating func readEscape(
        into view: inout String.UnicodeScalarView
    ) throws(ChatTemplateError) {
        let scalar = source[position]
        position += 1
        switch scalar {
        case "n": view.append("\n")
        case "t": view.append("\t")
        case "r": view.append("\r")
        case "b": view.append("\u{8}")
        case "f": view.append("\u{C}")
        case "v": view.append("\u{B}")
        case "a": view.append("\u{7}")
        case "\\", "'", "\"": view.append(scalar)
        case "\n": break
        case "x": view.append(try readCodePoint(digitCount: 2))
        case "u": view.append(try readCodePoint(digitCount: 4))
        case "U": view.append(try readCodePoint(digitCount: 8))
        case "0"..."7":
            var value = scalar.value - 48
            for _ in 0..<2 where position < source.count && ("0"..."7").contains(source[position]) {
                value = value * 8 + source[position].value - 48
                position += 1
            }
            view.append(Unicode.Scalar(value) ?? "\u{FFFD}")
        default:
            view.append("\\")
            view.append(scalar)
        }
    }

    private mutating func readCodePoint(
        digitCount: Int
    ) throws(ChatTemplateError) -> Unicode.Scalar {
        let end = position + digitCount
        guard end <= source.count, let value = UInt32(text(position..<end), radix: 16) else {
            throw failure("this escape needs \(digitCount) hexadecimal digits", at: position - 2)
        }
        position = end
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }
}

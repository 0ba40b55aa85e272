/// Reads a regular expression of ECMAScript (ECMA-262 §22.2.1) as far as it describes a regular
/// language.
///
/// Refused, because no automaton carries them: look-around, back-references and word boundaries.
/// Lazy quantifiers describe the same texts as greedy ones; groups of all kinds only group.
struct RegexParser {
    private let scalars: [UInt32]
    private let path: String
    private let maximumDepth: Int
    private var position = 0
    private var depth = 0

    /// Reads an expression; errors name `path`.
    static func parse(
        _ text: String,
        path: String,
        limits: GrammarLimits
    ) throws(GrammarError) -> RegularExpression {
        guard text.utf8.count <= limits.maximumSourceByteCount else {
            throw GrammarError(path: path, reason: "The regular expression is too long.")
        }
        var parser = RegexParser(text, path: path, maximumDepth: limits.maximumDepth)
        let expression = try parser.parseChoice()
        guard parser.position == parser.scalars.count else {
            throw parser.failure("has a ')' without its '('")
        }
        return expression
    }

    private init(_ text: String, path: String, maximumDepth: Int) {
        scalars = text.unicodeScalars.map(\.value)
        self.path = path
        self.maximumDepth = maximumDepth
    }

    private func failure(_ reason: String) -> GrammarError {
        GrammarError(
            path: path,
            reason: "The regular expression \(reason) (at character \(position + 1))."
        )
    }

    private var next: Character? {
        guard position < scalars.count, let scalar = Unicode.Scalar(scalars[position]) else {
            return nil
        }
        return Character(scalar)
    }

    private func looking(at text: String) -> Bool {
        let wanted = text.unicodeScalars.map(\.value)
        return scalars[position...].starts(with: wanted)
    }

    private mutating func take(_ text: String) -> Bool {
        guard looking(at: text) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    private mutating func parseChoice() throws(GrammarError) -> RegularExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= maximumDepth else { throw failure("nests groups too deeply") }
        var branches = [try parseSequence()]
        while take("|") { branches.append(try parseSequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func parseSequence() throws(GrammarError) -> RegularExpression {
        var parts: [RegularExpression] = []
        while let character = next, character != "|", character != ")" {
            var part = try parseAtom()
            while let (minimum, maximum) = try parseQuantifier() {
                guard !part.hasAnchors else { throw failure("repeats an anchor") }
                part = .repetition(part, minimum: minimum, maximum: maximum)
            }
            parts.append(part)
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func parseQuantifier() throws(GrammarError) -> (Int, Int?)? {
        let range: (Int, Int?)
        if take("*") {
            range = (0, nil)
        } else if take("+") {
            range = (1, nil)
        } else if take("?") {
            range = (0, 1)
        } else if next == "{", let braces = try parseBraces() {
            range = braces
        } else {
            return nil
        }
        _ = take("?")
        return range
    }

    /// Reads `{2}`, `{2,}` or `{2,5}`; nil, with nothing read, when it is none of them: then the
    /// brace stands for itself.
    private mutating func parseBraces() throws(GrammarError) -> (Int, Int?)? {
        let start = position
        position += 1
        guard let minimum = parseNumber() else {
            position = start
            return nil
        }
        var maximum: Int? = minimum
        if take(",") { maximum = parseNumber() }
        guard take("}") else {
            position = start
            return nil
        }
        if let maximum, maximum < minimum { throw failure("has a range that is out of order") }
        return (minimum, maximum)
    }

    private mutating func parseNumber() -> Int? {
        var value: Int?
        while position < scalars.count, (0x30...0x39).contains(scalars[position]) {
            value = min((value ?? 0) * 10 + Int(scalars[position] - 0x30), 1 << 40)
            position += 1
        }
        return value
    }

    private mutating func parseAtom() throws(GrammarError) -> RegularExpression {
        guard let character = next else { throw failure("ends too early") }
        switch character {
        case "(":
            return try parseGroup()
        case "[":
            return .characters(try parseClass())
        case ".":
            position += 1
            return .characters(Self.lineTerminators.complement)
        case "^":
            position += 1
            return .characters(RegularExpression.begin)
        case "$":
            position += 1
            return .characters(RegularExpression.end)
        case "\\":
            return .characters(try parseEscape(inClass: false))
        case "*", "+", "?":
            throw failure("has nothing to repeat before '\(character)'")
        case "{":
            if try parseBraces() != nil { throw failure("has nothing to repeat before '{'") }
        default:
            break
        }
        defer { position += 1 }
        return .characters(ScalarSet(scalars[position]))
    }

    private mutating func parseGroup() throws(GrammarError) -> RegularExpression {
        for look in ["(?=", "(?!", "(?<=", "(?<!"] where looking(at: look) {
            throw failure("uses look-around, which cannot be enforced token by token")
        }
        if take("(?:") {
        } else if take("(?<") || take("(?P<") {
            while let character = next, character != ">" {
                guard character.isLetter || character.isNumber || character == "_" else { break }
                position += 1
            }
            guard take(">") else { throw failure("has a group name without '>'") }
        } else if looking(at: "(?") {
            throw failure("has a group of an unknown kind")
        } else {
            position += 1
        }
        let inner = try parseChoice()
        guard take(")") else { throw failure("has a '(' without its ')'") }
        return inner
    }

    // MARK: Characters

    private mutating func parseClass() throws(GrammarError) -> ScalarSet {
        position += 1
        let isNegated = take("^")
        var set = ScalarSet.empty
        while !looking(at: "]") {
            guard position < scalars.count else { throw failure("has a '[' without its ']'") }
            let first = try parseClassMember()
            guard let low = first.single, looking(at: "-"), position + 1 < scalars.count,
                scalars[position + 1] != 0x5D
            else {
                set = set.union(first.set)
                continue
            }
            position += 1
            let last = try parseClassMember()
            guard let high = last.single else { throw failure("has a range that ends in a class") }
            guard low <= high else { throw failure("has a range that is out of order") }
            set = set.union(ScalarSet([low...high]))
        }
        position += 1
        return isNegated ? set.complement : set
    }

    private mutating func parseClassMember() throws(GrammarError) -> (
        set: ScalarSet, single: UInt32?
    ) {
        guard position < scalars.count else { throw failure("has a '[' without its ']'") }
        if next == "\\" {
            let set = try parseEscape(inClass: true)
            let isSingle = set.ranges.count == 1 && set.ranges[0].count == 1
            return (set, isSingle ? set.ranges[0].lowerBound : nil)
        }
        defer { position += 1 }
        return (ScalarSet(scalars[position]), scalars[position])
    }

    private mutating func parseEscape(inClass: Bool) throws(GrammarError) -> ScalarSet {
        position += 1
        guard let character = next else { throw failure("ends in a backslash") }
        position += 1
        switch character {
        case "d": return Self.digits
        case "D": return Self.digits.complement
        case "w": return Self.wordCharacters
        case "W": return Self.wordCharacters.complement
        case "s": return Self.spaces
        case "S": return Self.spaces.complement
        case "t": return ScalarSet(0x09)
        case "n": return ScalarSet(0x0A)
        case "v": return ScalarSet(0x0B)
        case "f": return ScalarSet(0x0C)
        case "r": return ScalarSet(0x0D)
        case "0" where !(next?.isNumber ?? false): return ScalarSet(0)
        case "b" where inClass: return ScalarSet(0x08)
        case "b", "B":
            throw failure("uses a word boundary, which cannot be enforced token by token")
        case "k", "1"..."9":
            throw failure("uses a back-reference, which no grammar can carry")
        case "p", "P":
            throw failure("uses a Unicode property, which is not supported: list the ranges")
        case "c":
            guard let letter = next, letter.isASCII, letter.isLetter else {
                throw failure("has an incomplete \\c")
            }
            defer { position += 1 }
            return ScalarSet(scalars[position] & 31)
        case "x": return ScalarSet(try parseHex(count: 2))
        case "u": return ScalarSet(try parseUnicodeEscape())
        default:
            guard !character.isLetter, !character.isNumber else {
                throw failure("has an unknown escape '\\\(character)'")
            }
            return ScalarSet(scalars[position - 1])
        }
    }

    private mutating func parseUnicodeEscape() throws(GrammarError) -> UInt32 {
        if take("{") {
            var value: UInt32 = 0
            var count = 0
            while let digit = next?.hexDigitValue, count < 8 {
                value = value << 4 | UInt32(digit)
                count += 1
                position += 1
            }
            guard count > 0, take("}"), value <= 0x10FFFF, Unicode.Scalar(value) != nil else {
                throw failure("has a \\u{…} that is no character")
            }
            return value
        }
        let value = try parseHex(count: 4)
        guard Unicode.Scalar(value) == nil else { return value }
        // A pair of surrogates, as JavaScript writes what is beyond 16 bits.
        guard (0xD800...0xDBFF).contains(value), take("\\u") else {
            throw failure("has half of a surrogate pair")
        }
        let low = try parseHex(count: 4)
        guard (0xDC00...0xDFFF).contains(low) else { throw failure("has half of a surrogate pair") }
        return 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00)
    }

    private mutating func parseHex(count: Int) throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = next?.hexDigitValue else { throw failure("lacks a hex digit") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    static let lineTerminators = ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])
    static let digits = ScalarSet([0x30...0x39])
    static let wordCharacters = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    /// White space and line terminators (ECMA-262 §12.2, §12.3).
    static let spaces = ScalarSet([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A,
        0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
}

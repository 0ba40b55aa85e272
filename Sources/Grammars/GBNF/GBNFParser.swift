/// Reads a grammar as llama.cpp writes it.
///
/// Rules `name ::= alternatives`; literals in quotes, character classes in brackets, `.`, groups,
/// the quantifiers `* + ? {m} {m,} {m,n}`, comments from `#` to the end of the line, and tokens
/// `<[id]>`, `<text>` with `!` for any other. The output derives from `root`. A new rule begins on a
/// new line; inside parentheses and after `|` a rule goes on over lines.
struct GBNFParser {
    private var rules: GrammarRules
    private let scalars: [UInt32]
    private let path: String
    private var position = 0
    private var depth = 0
    private var numbers: [String: Int] = [:]
    private var defined: Set<String> = []
    /// Where each name was first used, for the error when it is never defined.
    private var uses: [(name: String, position: Int)] = []

    /// Adds the grammar's rules, and returns the node of its `root`.
    static func lower(
        _ text: String,
        path: String,
        into rules: inout GrammarRules
    ) throws(GrammarError) -> GrammarNode {
        guard text.utf8.count <= rules.limits.maximumSourceByteCount else {
            throw GrammarError(path: path, reason: "The grammar is too long.")
        }
        var parser = GBNFParser(rules: rules, text: text, path: path)
        let root = try parser.parseGrammar()
        rules = parser.rules
        return root
    }

    private init(rules: GrammarRules, text: String, path: String) {
        self.rules = rules
        self.path = path
        scalars = text.unicodeScalars.map(\.value)
    }

    private mutating func parseGrammar() throws(GrammarError) -> GrammarNode {
        skipSpace(acrossLines: true)
        while position < scalars.count {
            try parseRule()
            skipSpace(acrossLines: true)
        }
        guard defined.contains("root"), let root = numbers["root"] else {
            throw GrammarError(path: path, reason: "The grammar has no rule named 'root'.")
        }
        for use in uses where !defined.contains(use.name) {
            position = use.position
            throw failure("uses the rule '\(use.name)' without defining it")
        }
        return .rule(root)
    }

    private mutating func parseRule() throws(GrammarError) {
        guard let name = parseName() else { throw failure("expected a rule's name") }
        skipSpace(acrossLines: false)
        guard take("::=") else { throw failure("expected '::=' after '\(name)'") }
        skipSpace(acrossLines: true)
        guard defined.insert(name).inserted else {
            throw failure("defines the rule '\(name)' twice")
        }
        let number = try self.number(of: name)
        rules.define(number, as: try parseChoice(isNested: false))
        guard position == scalars.count || scalars[position] == 0x0A || scalars[position] == 0x0D
        else { throw failure("expected the end of the rule '\(name)'") }
    }

    private mutating func number(of name: String) throws(GrammarError) -> Int {
        if let number = numbers[name] { return number }
        let number = try rules.reserve(path: path)
        numbers[name] = number
        return number
    }

    private mutating func parseChoice(isNested: Bool) throws(GrammarError) -> GrammarNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= rules.limits.maximumDepth else { throw failure("nests groups too deeply") }
        var branches = [try parseSequence(isNested: isNested)]
        while take("|") {
            skipSpace(acrossLines: true)
            branches.append(try parseSequence(isNested: isNested))
        }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func parseSequence(isNested: Bool) throws(GrammarError) -> GrammarNode {
        var parts: [GrammarNode] = []
        while let part = try parseElement() {
            skipSpace(acrossLines: isNested)
            parts.append(try parseQuantifiers(of: part, isNested: isNested))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func parseElement() throws(GrammarError) -> GrammarNode? {
        guard position < scalars.count else { return nil }
        switch Unicode.Scalar(scalars[position]) {
        case "\"":
            return try parseLiteral()
        case "[":
            return .characters(try parseClass(), .plain)
        case ".":
            position += 1
            return .characters(.all, .plain)
        case "(":
            position += 1
            skipSpace(acrossLines: true)
            let inner = try parseChoice(isNested: true)
            guard take(")") else { throw failure("has a '(' without its ')'") }
            return inner
        case "<", "!":
            return .token(try parseToken())
        default:
            let start = position
            guard let name = parseName() else { return nil }
            uses.append((name, start))
            return .rule(try number(of: name))
        }
    }

    private mutating func parseQuantifiers(
        of element: GrammarNode,
        isNested: Bool
    ) throws(GrammarError) -> GrammarNode {
        var node = element
        while position < scalars.count {
            if take("*") {
                node = .repetition(node, minimum: 0, maximum: nil)
            } else if take("+") {
                node = .repetition(node, minimum: 1, maximum: nil)
            } else if take("?") {
                node = .optional(node)
            } else if take("{") {
                node = try parseBraces(of: node)
            } else {
                break
            }
            skipSpace(acrossLines: isNested)
        }
        return node
    }

    private mutating func parseBraces(of node: GrammarNode) throws(GrammarError) -> GrammarNode {
        skipSpace(acrossLines: true)
        let least = parseNumber()
        skipSpace(acrossLines: true)
        var most = least
        if take(",") {
            skipSpace(acrossLines: true)
            most = parseNumber()
            skipSpace(acrossLines: true)
            guard least != nil || most != nil else { throw failure("has braces without a number") }
        } else if least == nil {
            throw failure("expected a number in braces")
        }
        guard take("}") else { throw failure("expected '}'") }
        let minimum = least ?? 0
        let highest = max(minimum, most ?? minimum)
        guard minimum <= most ?? minimum else { throw failure("has a range that is out of order") }
        guard highest <= rules.limits.maximumRepetitionCount else {
            throw failure("repeats more than \(rules.limits.maximumRepetitionCount) times")
        }
        return .repetition(node, minimum: minimum, maximum: most)
    }

    // MARK: Terminals

    private mutating func parseLiteral() throws(GrammarError) -> GrammarNode {
        position += 1
        var text = String.UnicodeScalarView()
        while !take("\"") {
            let value = try parseCharacter()
            guard let scalar = Unicode.Scalar(value) else {
                throw failure("has an escape that is no character")
            }
            text.append(scalar)
        }
        return .text(String(text))
    }

    private mutating func parseClass() throws(GrammarError) -> ScalarSet {
        position += 1
        let isNegated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !take("]") {
            let low = try parseCharacter()
            var high = low
            if position + 1 < scalars.count, scalars[position] == 0x2D,
                scalars[position + 1] != 0x5D
            {
                position += 1
                high = try parseCharacter()
            }
            guard low <= high else { throw failure("has a range that is out of order") }
            ranges.append(low...high)
        }
        let set = ScalarSet(ranges)
        return isNegated ? set.complement : set
    }

    /// Reads one character of a literal or a class, escaped or not.
    private mutating func parseCharacter() throws(GrammarError) -> UInt32 {
        guard position < scalars.count else { throw failure("ends inside quotes or brackets") }
        let scalar = scalars[position]
        position += 1
        guard scalar == 0x5C else { return scalar }
        guard position < scalars.count else { throw failure("ends in a backslash") }
        let escape = scalars[position]
        position += 1
        switch Unicode.Scalar(escape) {
        case "x": return try parseHex(count: 2)
        case "u": return try parseHex(count: 4)
        case "U": return try parseHex(count: 8)
        case "t": return 0x09
        case "r": return 0x0D
        case "n": return 0x0A
        case "\\", "\"", "[", "]", "-", "^": return escape
        default: throw failure("has an unknown escape")
        }
    }

    private mutating func parseHex(count: Int) throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard position < scalars.count, let scalar = Unicode.Scalar(scalars[position]),
                let digit = Character(scalar).hexDigitValue
            else { throw failure("has an escape without its \(count) hex digits") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        guard value <= 0x10FFFF else { throw failure("has an escape that is no character") }
        return value
    }

    private mutating func parseToken() throws(GrammarError) -> TokenSelector {
        let isNegated = take("!")
        guard take("<") else { throw failure("expected '<' after '!'") }
        if take("[") {
            guard let number = parseNumber(), take("]>"), let id = Int32(exactly: number) else {
                throw failure("has a token that isn't written as <[id]>")
            }
            return isNegated ? .allExcept(id) : .id(id)
        }
        var name = String.UnicodeScalarView()
        while position < scalars.count, let scalar = Unicode.Scalar(scalars[position]),
            scalar != ">", scalar != "\n"
        {
            name.append(scalar)
            position += 1
        }
        guard take(">"), !name.isEmpty else { throw failure("has a token without its '>'") }
        let text = "<\(String(name))>"
        return isNegated ? .allExceptText(text, path: path) : .text(text, path: path)
    }

    // MARK: Characters

    private var line: Int { 1 + scalars[..<position].count { $0 == 0x0A } }

    private func failure(_ reason: String) -> GrammarError {
        GrammarError(path: path, reason: "The grammar \(reason) (line \(line)).")
    }

    private mutating func take(_ text: String) -> Bool {
        let wanted = text.unicodeScalars.map(\.value)
        guard scalars[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    private mutating func parseName() -> String? {
        var name = String.UnicodeScalarView()
        while position < scalars.count, let scalar = Unicode.Scalar(scalars[position]),
            scalar.isASCII,
            Character(scalar).isLetter || Character(scalar).isNumber
                || scalar == "-" || scalar == "_"
        {
            name.append(scalar)
            position += 1
        }
        return name.isEmpty ? nil : String(name)
    }

    private mutating func parseNumber() -> Int? {
        var value: Int?
        while position < scalars.count, (0x30...0x39).contains(scalars[position]) {
            value = min((value ?? 0) * 10 + Int(scalars[position] - 0x30), 1 << 40)
            position += 1
        }
        return value
    }

    private mutating func skipSpace(acrossLines: Bool) {
        while position < scalars.count {
            switch Unicode.Scalar(scalars[position]) {
            case " ", "\t":
                position += 1
            case "#":
                while position < scalars.count, scalars[position] != 0x0A, scalars[position] != 0x0D
                {
                    position += 1
                }
            case "\n", "\r":
                guard acrossLines else { return }
                position += 1
            default:
                return
            }
        }
    }
}

/// Builds a template's tree from its tokens, by recursive descent over Jinja's grammar.
struct TemplateParser {
    /// How deep expressions and statements may be nested in the source.
    static let maximumNesting = 64

    let source: [Unicode.Scalar]
    private let tokens: [TemplateToken]
    private var index = 0
    private var nesting = 0
    private(set) var names: [String] = []
    private var slots: [String: Int] = [:]
    /// How many loops stand around the current place, for `break` and `continue`.
    var loopNesting = 0

    init(source: [Unicode.Scalar], tokens: [TemplateToken]) {
        self.source = source
        self.tokens = tokens
    }

    /// Reads a template's source into its tree.
    static func parse(_ source: [Unicode.Scalar]) throws(ChatTemplateError) -> TemplateTree {
        var lexer = TemplateLexer(source: source)
        var parser = TemplateParser(source: source, tokens: try lexer.tokenize())
        // The names every template can use are numbered first, in a fixed order.
        for name in GlobalFunction.allCases { _ = parser.slot(of: name.rawValue) }
        let body = try parser.parseStatements(until: [])
        return TemplateTree(body: body, names: parser.names)
    }

    /// The number of a variable's name.
    mutating func slot(of name: String) -> Int {
        if let slot = slots[name] { return slot }
        names.append(name)
        slots[name] = names.count - 1
        return names.count - 1
    }

    // MARK: Tokens

    var token: TemplateToken { tokens[index] }

    var position: SourcePosition { tokens[index].position }

    func lookAhead(_ distance: Int = 1) -> TemplateToken.Kind {
        tokens[min(index + distance, tokens.count - 1)].kind
    }

    mutating func advance() {
        if index + 1 < tokens.count { index += 1 }
    }

    func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }

    func isName(_ name: String) -> Bool { token.kind == .name(name) }

    mutating func skip(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard isName(name) else { return false }
        advance()
        return true
    }

    mutating func expect(symbol: String) throws(ChatTemplateError) {
        guard skip(symbol: symbol) else {
            throw failure("expected '\(symbol)' but found \(token.kind.name)")
        }
    }

    mutating func expect(_ kind: TemplateToken.Kind) throws(ChatTemplateError) {
        guard token.kind == kind else {
            throw failure("expected \(kind.name) but found \(token.kind.name)")
        }
        advance()
    }

    mutating func expectName() throws(ChatTemplateError) -> String {
        guard case .name(let name) = token.kind else {
            throw failure("expected a name but found \(token.kind.name)")
        }
        advance()
        return name
    }

    func failure(
        _ message: String,
        kind: ChatTemplateError.Kind = .syntax,
        at position: SourcePosition? = nil
    ) -> ChatTemplateError {
        var error = ChatTemplateError(kind, message)
        error.locate(at: position ?? self.position, in: source)
        return error
    }

    /// Runs a part of the parser one level deeper.
    mutating func nested<Result>(
        _ parse: (inout TemplateParser) throws(ChatTemplateError) -> Result
    ) throws(ChatTemplateError) -> Result {
        guard nesting < Self.maximumNesting else {
            throw failure("the template is nested deeper than \(Self.maximumNesting) levels")
        }
        nesting += 1
        defer { nesting -= 1 }
        return try parse(&self)
    }
}

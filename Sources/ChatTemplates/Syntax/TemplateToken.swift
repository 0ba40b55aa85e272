/// One lexical element of a template.
struct TemplateToken: Sendable {
    /// What the element is.
    enum Kind: Sendable, Hashable {
        /// Text outside of tags, white space control already applied.
        case text(String)
        case blockBegin, blockEnd
        case outputBegin, outputEnd
        case name(String)
        case string(String)
        case integer(Int)
        case float(Double)
        /// An operator or bracket, such as `==`.
        case symbol(String)
        case end
    }

    let kind: Kind
    /// Where it starts.
    let position: SourcePosition
}

/// A place in a template's source: code points before it.
struct SourcePosition: Sendable, Hashable {
    let offset: Int32

    init(_ offset: Int) { self.offset = Int32(clamping: offset) }
}

extension TemplateToken.Kind {
    /// The element as an error message names it.
    var name: String {
        switch self {
        case .text: "text"
        case .blockBegin: "'{%'"
        case .blockEnd: "'%}'"
        case .outputBegin: "'{{'"
        case .outputEnd: "'}}'"
        case .name(let name): "'\(name)'"
        case .string: "a string"
        case .integer, .float: "a number"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end of the template"
        }
    }
}

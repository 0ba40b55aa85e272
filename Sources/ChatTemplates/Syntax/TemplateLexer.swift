/// Cuts a template's source into tokens.
///
/// It follows Jinja's lexer as `transformers` sets it up: the first line end behind a block or comment is
/// dropped (`trim_blocks`), white space between the start of a line and a block or comment is dropped
/// (`lstrip_blocks`), `-` and `+` beside a delimiter override that, and one line end at the very end of
/// the source is dropped.
struct TemplateLexer {
    let source: [Unicode.Scalar]
    var position = 0
    var tokens: [TemplateToken] = []
    /// Whether the text that follows starts a line, although no line end stands in it.
    private var isAtLineStart = true

    init(source: [Unicode.Scalar]) { self.source = source }

    /// The source with every line end as a line feed and without the last one.
    static func normalize(_ source: String) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(source.utf8.count)
        var followsReturn = false
        for scalar in source.unicodeScalars {
            if scalar == "\n", followsReturn {
                followsReturn = false
                continue
            }
            followsReturn = scalar == "\r"
            scalars.append(followsReturn ? "\n" : scalar)
        }
        if scalars.last == "\n" { scalars.removeLast() }
        return scalars
    }

    mutating func tokenize() throws(ChatTemplateError) -> [TemplateToken] {
        while position < source.count {
            let start = position
            while position < source.count, !isDelimiterStart(position) { position += 1 }
            if position == source.count {
                appendText(start..<position)
                break
            }
            let opening = source[position + 1]
            let tagStart = position
            position += 2
            let sign = takeSign()
            appendText(strippedText(start..<tagStart, sign: sign, isOutput: opening == "{"))
            switch opening {
            case "#": try skipComment(from: tagStart)
            case "{":
                tokens.append(TemplateToken(kind: .outputBegin, position: SourcePosition(tagStart)))
                try tokenizeExpression(from: tagStart, closing: "}")
            default:
                if skipRawBegin() {
                    try tokenizeRaw(from: tagStart)
                } else {
                    tokens.append(
                        TemplateToken(kind: .blockBegin, position: SourcePosition(tagStart))
                    )
                    try tokenizeExpression(from: tagStart, closing: "%")
                }
            }
        }
        tokens.append(TemplateToken(kind: .end, position: SourcePosition(source.count)))
        return tokens
    }

    private func isDelimiterStart(_ index: Int) -> Bool {
        guard source[index] == "{", index + 1 < source.count else { return false }
        return source[index + 1] == "{" || source[index + 1] == "%" || source[index + 1] == "#"
    }

    private mutating func takeSign() -> Unicode.Scalar? {
        guard position < source.count, source[position] == "-" || source[position] == "+" else {
            return nil
        }
        position += 1
        return source[position - 1]
    }

    private mutating func appendText(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: source[range])
        tokens.append(
            TemplateToken(kind: .text(String(text)), position: SourcePosition(range.lowerBound))
        )
    }

    /// The text before a tag without the white space that the tag's sign or `lstrip_blocks` takes away.
    private func strippedText(
        _ range: Range<Int>,
        sign: Unicode.Scalar?,
        isOutput: Bool
    ) -> Range<Int> {
        if sign == "+" || (sign == nil && isOutput) { return range }
        var end = range.upperBound
        while end > range.lowerBound, source[end - 1].isPythonSpace {
            if sign == nil, source[end - 1] == "\n" { return range.lowerBound..<end }
            end -= 1
        }
        if sign == "-" { return range.lowerBound..<end }
        return end == range.lowerBound && isAtLineStart ? range.lowerBound..<end : range
    }

    private mutating func skipSpace() {
        while position < source.count, source[position].isPythonSpace { position += 1 }
    }

    func follows(_ text: String, at index: Int) -> Bool {
        let scalars = text.unicodeScalars
        guard index + scalars.count <= source.count else { return false }
        return source[index..<(index + scalars.count)].elementsEqual(scalars)
    }

    /// Behind the end of a block or comment: its sign decides about the white space that follows.
    private mutating func skipAfterTag(sign: Unicode.Scalar?, trimsLineEnd: Bool) {
        if sign == "-" {
            skipSpace()
        } else if sign == nil, trimsLineEnd, position < source.count, source[position] == "\n" {
            position += 1
        }
        isAtLineStart = position > 0 && source[position - 1] == "\n"
    }

    private mutating func skipComment(from start: Int) throws(ChatTemplateError) {
        let contentStart = position
        while position < source.count, !follows("#}", at: position) { position += 1 }
        guard position < source.count else { throw failure("this comment has no '#}'", at: start) }
        var sign: Unicode.Scalar?
        if position > contentStart, source[position - 1] == "-" || source[position - 1] == "+" {
            sign = source[position - 1]
        }
        position += 2
        skipAfterTag(sign: sign, trimsLineEnd: true)
    }

    /// Behind `{%`: steps over ` raw %}` if that follows.
    private mutating func skipRawBegin() -> Bool {
        let start = position
        skipSpace()
        if follows("raw", at: position) {
            position += 3
            skipSpace()
            let hasSign = position < source.count && source[position] == "-"
            if follows("%}", at: position + (hasSign ? 1 : 0)) {
                position += hasSign ? 3 : 2
                if hasSign { skipSpace() }
                return true
            }
        }
        position = start
        return false
    }

    private mutating func tokenizeRaw(from start: Int) throws(ChatTemplateError) {
        isAtLineStart = source[position - 1] == "\n"
        let textStart = position
        while position < source.count {
            guard follows("{%", at: position) else {
                position += 1
                continue
            }
            let tagStart = position
            position += 2
            let sign = takeSign()
            skipSpace()
            if follows("endraw", at: position) {
                position += 6
                skipSpace()
                let endSign = takeSign()
                if follows("%}", at: position) {
                    appendText(strippedText(textStart..<tagStart, sign: sign, isOutput: false))
                    position += 2
                    skipAfterTag(sign: endSign, trimsLineEnd: true)
                    return
                }
            }
            position = tagStart + 1
        }
        throw failure("this raw block has no '{% endraw %}'", at: start)
    }

    /// Reads tokens up to `}}` or `%}`; brackets that are open hide these.
    private mutating func tokenizeExpression(
        from start: Int,
        closing: Unicode.Scalar
    ) throws(ChatTemplateError) {
        var brackets: [Unicode.Scalar] = []
        let isOutput = closing == "}"
        while true {
            skipSpace()
            guard position < source.count else {
                throw failure("this tag has no '\(closing)}'", at: start)
            }
            if brackets.isEmpty {
                let first = source[position]
                let hasSign = first == "-" || (first == "+" && !isOutput)
                if follows("\(closing)}", at: position + (hasSign ? 1 : 0)) {
                    tokens.append(
                        TemplateToken(
                            kind: isOutput ? .outputEnd : .blockEnd,
                            position: SourcePosition(position)
                        )
                    )
                    position += hasSign ? 3 : 2
                    skipAfterTag(sign: hasSign ? first : nil, trimsLineEnd: !isOutput)
                    return
                }
            }
            try tokenizeOne(&brackets)
        }
    }

    func failure(_ message: String, at index: Int) -> ChatTemplateError {
        var error = ChatTemplateError(.syntax, message)
        error.locate(at: SourcePosition(index), in: source)
        return error
    }
}

extension ChatTemplateError {
    /// Fills in line and column, unless an inner place has been filled in before.
    mutating func locate(at position: SourcePosition, in source: [Unicode.Scalar]) {
        guard line == 0 else { return }
        let end = min(Int(position.offset), source.count)
        var lineStart = 0
        var lineNumber = 1
        for index in 0..<end where source[index] == "\n" {
            lineNumber += 1
            lineStart = index + 1
        }
        line = lineNumber
        column = end - lineStart + 1
    }
}

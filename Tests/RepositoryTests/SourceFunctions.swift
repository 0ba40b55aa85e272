/// Finds functions in stripped source: name, first line and number of lines.
struct SourceFunction: Equatable {
    let name: String
    /// Counted from 1: the line of the keyword (Swift) or of the opening brace (C).
    let line: Int
    let lineCount: Int
}

extension StrippedSource {
    /// Functions, initialisers, subscripts and computed properties of Swift source.
    func swiftFunctions() -> [SourceFunction] {
        let tokens = Self.tokens(of: text)
        var functions: [SourceFunction] = []
        for start in tokens.indices where Self.startsBody(tokens, at: start) {
            guard let open = Self.openingBrace(tokens, after: start),
                let close = Self.closingBrace(tokens, of: open)
            else { continue }
            let keyword = tokens[start].text
            let next = tokens[start + 1].text
            functions.append(
                SourceFunction(
                    name: keyword == "func" || keyword == "var" ? next : keyword,
                    line: tokens[start].line,
                    lineCount: tokens[close].line - tokens[start].line + 1
                )
            )
        }
        return functions
    }

    /// Functions of C source: a brace that follows a parenthesis outside every other brace.
    func cFunctions() -> [SourceFunction] {
        let tokens = Self.tokens(of: text)
        var functions: [SourceFunction] = []
        var index = 0
        while index < tokens.count {
            guard tokens[index].text == "{" else {
                index += 1
                continue
            }
            let close = Self.closingBrace(tokens, of: index) ?? tokens.count - 1
            if index > 0, tokens[index - 1].text == ")" {
                functions.append(
                    SourceFunction(
                        name: Self.cFunctionName(tokens, before: index),
                        line: tokens[index].line,
                        lineCount: tokens[close].line - tokens[index].line + 1
                    )
                )
                index = close + 1
            } else if index > 1, tokens[index - 2].text == "extern" {
                index += 1
            } else {
                index = close + 1
            }
        }
        return functions
    }

    private struct Token {
        let text: String
        let line: Int
    }

    private static func tokens(of text: String) -> [Token] {
        var tokens: [Token] = []
        var word = ""
        var line = 1
        for character in text.unicodeScalars {
            if character == "_" || character.properties.isAlphabetic
                || ("0"..."9").contains(character)
            {
                word.unicodeScalars.append(character)
                continue
            }
            if !word.isEmpty {
                tokens.append(Token(text: word, line: line))
                word = ""
            }
            if character == "\n" {
                line += 1
            } else if !character.properties.isWhitespace {
                tokens.append(Token(text: String(character), line: line))
            }
        }
        if !word.isEmpty { tokens.append(Token(text: word, line: line)) }
        return tokens
    }

    private static func startsBody(_ tokens: [Token], at index: Int) -> Bool {
        guard index + 1 < tokens.count else { return false }
        switch tokens[index].text {
        case "func", "subscript", "deinit", "var": break
        case "init":
            guard ["(", "?", "<"].contains(tokens[index + 1].text) else { return false }
        default: return false
        }
        return index == 0 || tokens[index - 1].text != "."
    }

    /// The brace that opens the body, or nil for a requirement or a stored property.
    private static func openingBrace(_ tokens: [Token], after start: Int) -> Int? {
        let declarations: Set = [
            "func", "var", "let", "init", "deinit", "subscript", "case", "struct", "class", "enum",
            "actor", "protocol", "extension", "typealias", "}", ";", "package", "private", "static",
            "return", "if", "for", "while", "guard", "switch",
        ]
        var depth = 0
        for index in (start + 1)..<tokens.count {
            switch tokens[index].text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return index
            case "=" where depth == 0 && tokens[start].text == "var": return nil
            case let text where depth == 0 && index > start + 1 && declarations.contains(text):
                return nil
            default: break
            }
            if depth < 0 { return nil }
        }
        return nil
    }

    private static func closingBrace(_ tokens: [Token], of open: Int) -> Int? {
        var depth = 0
        for index in open..<tokens.count {
            if tokens[index].text == "{" { depth += 1 }
            if tokens[index].text == "}" {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private static func cFunctionName(_ tokens: [Token], before brace: Int) -> String {
        var depth = 0
        for index in stride(from: brace - 1, through: 1, by: -1) {
            if tokens[index].text == ")" { depth += 1 }
            if tokens[index].text == "(" {
                depth -= 1
                if depth == 0 { return tokens[index - 1].text }
            }
        }
        return "?"
    }
}

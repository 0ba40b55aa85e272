import Foundation

/// Every `package` declaration has a doc comment.
///
/// Two may share one: stored properties and cases on lines directly below a documented one, and the
/// members that a protocol asks for (well-known ones anywhere, others in an extension that adds the
/// conformance), which the protocol's comment covers.
enum DocumentationRule {
    static func check(_ file: Repository.File) -> [Finding] {
        guard file.isSwift, file.isIn("Sources") else { return [] }
        let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
        let code = StrippedSource(file.text).lines
        var findings: [Finding] = []
        var lastDocumentedProperty = -2
        for (index, line) in code.enumerated() {
            guard let declaration = packageDeclaration(line) else { continue }
            let isDocumented = isDocumented(lines, at: index)
            let isProperty = declaration.kind == "let" || declaration.kind == "var"
            if isDocumented || (isProperty && lastDocumentedProperty == index - 1) {
                if isProperty { lastDocumentedProperty = index }
                continue
            }
            if isConformance(declaration) || isInConformance(code, at: index) { continue }
            findings.append(
                Finding(
                    .documentation,
                    file.path,
                    line: index + 1,
                    subject: declaration.name,
                    "`\(declaration.kind) \(declaration.name)` needs a doc comment"
                )
            )
        }
        return findings
    }

    struct Declaration: Equatable {
        let kind: String
        let name: String
        let rest: String
    }

    static func packageDeclaration(_ line: Substring) -> Declaration? {
        var words = line.split(separator: " ")
        while let word = words.first, word.hasPrefix("@") { words.removeFirst() }
        guard words.contains("package") else { return nil }
        let modifiers: Set<Substring> = [
            "package", "static", "final", "nonisolated", "mutating", "consuming", "borrowing",
            "override", "convenience", "required", "private(set)", "indirect", "lazy", "weak",
            "unowned", "isolated", "nonisolated(nonsending)",
        ]
        guard let first = words.first, modifiers.contains(first) else { return nil }
        words.removeAll { $0.hasPrefix("@") }
        guard let position = words.firstIndex(where: { !modifiers.contains($0) }) else {
            return nil
        }
        let rest = words[position...].joined(separator: " ")
        let kinds = [
            "struct", "class", "enum", "actor", "protocol", "func", "var", "let", "typealias",
            "init", "subscript", "deinit", "case",
        ]
        guard let kind = kinds.first(where: { rest.hasPrefix($0) }) else { return nil }
        let name = rest.dropFirst(kind.count).drop { $0 == " " }
            .prefix { !" (:<{=".contains($0) }
        let operatorName =
            kind == "func" && name.isEmpty ? String(rest.dropFirst(5).prefix(2)) : nil
        let isUnnamed = kind == "init" || kind == "subscript" || kind == "deinit"
        return Declaration(
            kind: kind,
            name: isUnnamed ? kind : operatorName ?? String(name),
            rest: rest
        )
    }

    /// A doc comment stands above, with only attributes between.
    private static func isDocumented(_ lines: [Substring], at index: Int) -> Bool {
        var above = index - 1
        while above >= 0 {
            let text = lines[above].trimmingCharacters(in: .whitespaces)
            if text.hasPrefix("///") || text.hasSuffix("*/") { return true }
            guard text.hasPrefix("@") || text.hasPrefix("#if") else { return false }
            above -= 1
        }
        return false
    }

    /// The nearest line that is indented less begins an extension that adds a conformance.
    private static func isInConformance(_ code: [Substring], at index: Int) -> Bool {
        let indentation = code[index].prefix { $0 == " " }.count
        let enclosing = code[..<index].last { line in
            line.contains { $0 != " " } && line.prefix { $0 == " " }.count < indentation
        }
        return enclosing.map { $0.hasPrefix("extension ") && $0.contains(":") } ?? false
    }

    private static func isConformance(_ declaration: Declaration) -> Bool {
        let names: Set = [
            "==", "< ", "<(", "hash", "description", "debugDescription", "encode", "makeIterator",
            "makeAsyncIterator", "next", "startIndex", "endIndex", "index", "rawValue", "Element",
            "AsyncIterator", "Iterator", "id", "deinit",
        ]
        if names.contains(declaration.name) { return true }
        return declaration.kind == "init"
            && ["(from decoder", "Literal", "(rawValue"].contains { declaration.rest.contains($0) }
    }
}

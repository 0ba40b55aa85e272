import Foundation

/// Every `package` declaration has a doc comment.
///
/// Several may share one: stored properties on lines directly below a documented one, overloads of
/// one name in a file, and the members that a protocol asks for, which the protocol's comment covers.
struct DocumentationRule {
    /// The names of the members that each protocol of this repository asks for.
    private let requirements: [String: Set<String>]

    init(files: [Repository.File]) {
        var requirements: [String: Set<String>] = [:]
        for file in files where file.isSwift && file.isIn("Sources") {
            for (name, members) in Self.protocols(in: file.code.lines) {
                requirements[name, default: []].formUnion(members)
            }
        }
        self.requirements = requirements
    }

    func check(_ file: Repository.File) -> [Finding] {
        guard file.isSwift, file.isIn("Sources") else { return [] }
        let lines = file.lines
        let code = file.code.lines
        var findings: [Finding] = []
        var lastDocumentedProperty = -2
        var documentedNames: Set<String> = []
        let conformances = conformanceMembers(code)
        for (index, line) in code.enumerated() {
            guard let declaration = Self.packageDeclaration(line) else { continue }
            let isDocumented = Self.isDocumented(lines, at: index)
            let isProperty = declaration.kind == "let" || declaration.kind == "var"
            if isDocumented || (isProperty && lastDocumentedProperty == index - 1) {
                if isProperty { lastDocumentedProperty = index }
                if declaration.kind != "init" { documentedNames.insert(declaration.name) }
                continue
            }
            if documentedNames.contains(declaration.name) { continue }
            if conformances.contains(declaration.name) || Self.isConformance(declaration)
                || Self.isInConformance(code, at: index)
            {
                continue
            }
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

    /// What the protocols that this file names ask for.
    private func conformanceMembers(_ code: [Substring]) -> Set<String> {
        var members: Set<String> = []
        for line in code where line.contains(":") && !line.contains("protocol ") {
            for word in line.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
                members.formUnion(requirements[String(word)] ?? [])
            }
        }
        return members
    }

    /// The protocols declared at the left margin, with the names of their members.
    private static func protocols(in code: [Substring]) -> [(String, Set<String>)] {
        var found: [(String, Set<String>)] = []
        var isInside = false
        for line in code {
            let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            if !line.hasPrefix(" "), let position = words.firstIndex(of: "protocol"),
                position + 1 < words.count
            {
                found.append((String(words[position + 1]), []))
                isInside = !line.contains("}")
            } else if isInside, line.hasPrefix("}") {
                isInside = false
            } else if isInside {
                let names = zip(words, words.dropFirst()).filter { $0.0 == "func" || $0.0 == "var" }
                found[found.count - 1].1.formUnion(names.map { String($0.1) })
                if words.first == "init" { found[found.count - 1].1.insert("init") }
            }
        }
        return found
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
            guard ["@", "#if", "// "].contains(where: text.hasPrefix) else { return false }
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

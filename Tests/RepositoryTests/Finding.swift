/// One breach of a rule: where, and what to do.
struct Finding: Hashable, Comparable, CustomStringConvertible {
    let rule: Rule
    let path: String
    /// Counted from 1; 0 when the finding is about the whole file.
    let line: Int
    /// What exceptions name besides the path: a function, an import, a declaration, a word.
    let subject: String
    let message: String

    enum Rule: String, CaseIterable {
        case fileLength, functionLength, lineLength
        case importDirection, unusedDependency, fileName, folderName
        case documentation, bannedCode, bannedWord, safetyLine
        case topLevel, machinePath, largeFile, binaryFile
    }

    init(_ rule: Rule, _ path: String, line: Int = 0, subject: String = "", _ message: String) {
        self.rule = rule
        self.path = path
        self.line = line
        self.subject = subject
        self.message = message
    }

    var description: String {
        "\(path)\(line > 0 ? ":\(line)" : ""): \(message) [\(rule.rawValue)]"
    }

    static func < (left: Finding, right: Finding) -> Bool {
        (left.path, left.line, left.message) < (right.path, right.line, right.message)
    }
}

import Foundation

/// What may lie where, how files and folders are called, and what must not be committed.
enum LayoutRules {
    static let topLevel: Set = [
        "Package.swift", "Sources", "Tests", "deploy", "README.md", "openapi.yaml", ".gitignore",
        ".swift-format", ".ci",
    ]
    static let bannedFolders: Set = [
        "Utils", "Util", "Helpers", "Common", "Core", "Misc", "Shared",
    ]
    static let maximumByteCount = 256 * 1024

    /// In two parts so that this list does not find itself.
    static let machinePaths = ["/wo" + "rk/", "/ho" + "me/", "/ro" + "ot/", "/Us" + "ers/"]

    static func check(_ file: Repository.File) -> [Finding] {
        var findings: [Finding] = []
        let parts = file.path.split(separator: "/").map(String.init)
        if let first = parts.first, !topLevel.contains(first) {
            findings.append(
                Finding(.topLevel, file.path, subject: first, "scripts live in deploy/ and Tests/")
            )
        }
        for folder in parts.dropLast() where bannedFolders.contains(folder) {
            findings.append(
                Finding(
                    .folderName,
                    file.path,
                    subject: folder,
                    "name the concern, not `\(folder)`"
                )
            )
        }
        if file.bytes.count > maximumByteCount {
            findings.append(
                Finding(.largeFile, file.path, "\(file.bytes.count) bytes: fetch or generate it")
            )
        }
        if file.bytes.contains(0) {
            findings.append(Finding(.binaryFile, file.path, "a binary file: fetch or generate it"))
        }
        return findings + paths(file) + fileName(file)
    }

    private static func paths(_ file: Repository.File) -> [Finding] {
        let lines = file.lines
        var findings: [Finding] = []
        for (index, line) in lines.enumerated() {
            for path in machinePaths where startsPath(path, in: line) {
                findings.append(
                    Finding(
                        .machinePath,
                        file.path,
                        line: index + 1,
                        subject: path,
                        "`\(path)` is a path of one machine"
                    )
                )
            }
        }
        return findings
    }

    /// The text occurs as the beginning of an absolute path, not inside `src/…` or a URL.
    private static func startsPath(_ path: String, in line: Substring) -> Bool {
        guard let range = line.range(of: path) else { return false }
        guard let before = line[..<range.lowerBound].last else { return true }
        return !before.isLetter && !before.isNumber && !"._-~})".contains(before)
    }

    /// `Type.swift` or `Type+Aspect.swift` declares or extends `Type`.
    private static func fileName(_ file: Repository.File) -> [Finding] {
        guard file.isSwift, file.isIn("Sources"), file.name != "main.swift" else { return [] }
        let stem = file.name.dropLast(".swift".count).prefix { $0 != "+" }
        let kinds = [
            "struct", "class", "enum", "actor", "protocol", "extension", "typealias", "func",
        ]
        let declares = file.code.lines.contains { line in
            let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            return zip(words, words.dropFirst()).contains {
                kinds.contains(String($0)) && $1 == stem
            }
        }
        guard !declares else { return [] }
        return [
            Finding(.fileName, file.path, "declares no `\(stem)`: name it after its main type")
        ]
    }
}

import Foundation

/// What the code blocks and code spans of a Markdown text ask the reader to run.
struct ReadmeCommands {
    /// Files of the repository: `deploy/quickstart`.
    private(set) var paths: Set<String> = []
    /// Subcommands: the word after `torii`.
    private(set) var subcommands: Set<String> = []

    init(_ markdown: String) {
        var isInBlock = false
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isInBlock.toggle()
            } else if isInBlock {
                read(line)
            } else {
                let parts = line.split(separator: "`", omittingEmptySubsequences: false)
                for (index, part) in parts.enumerated() where index % 2 == 1 { read(part) }
            }
        }
    }

    private mutating func read(_ code: Substring) {
        let words = code.split(separator: " ").map { word in
            word.trimmingCharacters(in: CharacterSet(charactersIn: ",;|()[]\"'"))
        }
        for (index, word) in words.enumerated() {
            let path = word.hasPrefix("./") ? String(word.dropFirst(2)) : word
            if ["deploy/", "Tests/", "Sources/", ".ci/"].contains(where: path.hasPrefix) {
                paths.insert(path.hasSuffix("/") ? String(path.dropLast()) : path)
            }
            let isProgram = word == "torii" || word.hasSuffix("/torii")
            guard isProgram, index == 0 || words[index - 1] == "$" || words[index - 1] == "sudo",
                index + 1 < words.count
            else { continue }
            let next = words[index + 1]
            if next.first?.isLowercase == true { subcommands.insert(next) }
        }
    }
}

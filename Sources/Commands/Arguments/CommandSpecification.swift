/// What a command is called, what it takes and what its help says.
///
/// Parsing needs nothing else.
struct CommandSpecification: Sendable {
    /// The word after `torii`.
    let name: String
    /// One line for the list of commands.
    let summary: String
    /// Further paragraphs of the command's own help; may be empty.
    var discussion = ""
    /// Options in the order of the help.
    var options: [OptionSpecification] = []
    /// Positional arguments in order; only the last may repeat.
    var positionals: [PositionalSpecification] = []
    /// Whether the list of commands leaves it out.
    var isHidden = false
}

extension CommandSpecification {
    /// Every command understands it.
    static let helpOption = OptionSpecification.flag("--help", "-h", help: "print this help")

    /// The line that shows how the command is called.
    var usage: String {
        var words = ["torii", name]
        if !options.isEmpty { words.append("[OPTIONS]") }
        for positional in positionals {
            let word = positional.name + (positional.canRepeat ? "…" : "")
            words.append(positional.isOptional ? "[\(word)]" : word)
        }
        return words.joined(separator: " ")
    }

    /// The whole help text of `torii NAME --help`.
    var helpText: String {
        var text = "\(summary)\n\nUsage: \(usage)\n"
        if !discussion.isEmpty { text += "\n\(discussion)\n" }
        if !positionals.isEmpty {
            text += "\nArguments:\n"
            text += Self.columns(positionals.map { ($0.name, $0.help) })
        }
        text += "\nOptions:\n"
        text += Self.columns(
            (options + [Self.helpOption]).map { option in
                let names = option.names.sorted { $0.count < $1.count }.joined(separator: ", ")
                let value = option.valueName.map { " " + $0 } ?? ""
                return (names + value + (option.canRepeat ? " …" : ""), option.help)
            }
        )
        return text
    }

    /// Two columns, the second aligned; a long first column gets a line of its own.
    static func columns(_ rows: [(String, String)]) -> String {
        let width = min(28, rows.map(\.0.count).max() ?? 0)
        return rows.map { first, second in
            let gap =
                first.count <= width
                ? String(repeating: " ", count: width - first.count + 2)
                : "\n" + String(repeating: " ", count: width + 4)
            return "  " + first + gap + second + "\n"
        }.joined()
    }
}

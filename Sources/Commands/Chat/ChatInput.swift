/// What a line typed at the prompt of `torii run` means; pure.
enum ChatInput: Equatable {
    /// Something to send.
    case message(String)
    /// `/bye`.
    case leave
    /// `/clear`.
    case clear
    /// `/help`.
    case help
    /// `/show` and what of it: empty, `system`, `parameters`, `history`.
    case show(String)
    /// `/set system TEXT`.
    case setSystem(String)
    /// `/set parameter NAME VALUE` or `/set NAME VALUE`; an empty value takes it back.
    case setParameter(name: String, value: String)
    /// Nothing but white space.
    case nothing
    /// A command that does not exist, and what to do.
    case mistake(String)

    /// What the list of commands says.
    static let helpText = """
          /set system TEXT        tell the model how to behave
          /set NAME VALUE         set a parameter: \(ChatParameters.names.joined(separator: ", "))
          /show                   show the model's facts, /show system, /show parameters
          /clear                  forget the conversation
          /bye                    leave, like Ctrl-D
          \"\"\"                     begin and end a message of several lines
          Ctrl-C                  stop the answer

        """

    /// The meaning of one line, or of the whole text between two `\"\"\"`.
    init(_ text: String) {
        let trimmed = Self.trimmed(text[...])
        guard !trimmed.isEmpty else {
            self = .nothing
            return
        }
        guard trimmed.hasPrefix("/") else {
            self = .message(text)
            return
        }
        let (command, rest) = Self.splitWord(trimmed)
        switch command {
        case "/bye", "/exit", "/quit": self = .leave
        case "/clear": self = .clear
        case "/help", "/?": self = .help
        case "/show": self = .show(String(rest))
        case "/set": self = Self.setting(rest)
        default: self = .mistake("unknown command \(command); /help lists them")
        }
    }

    private static func setting(_ text: Substring) -> ChatInput {
        var (name, value) = splitWord(text)
        if name == "system" { return .setSystem(unquoted(value)) }
        if name == "parameter" { (name, value) = splitWord(value) }
        guard ChatParameters.names.contains(String(name)) else {
            return .mistake(
                name.isEmpty
                    ? "say what to set; /help shows the names"
                    : "unknown parameter \(name); there are \(ChatParameters.names.joined(separator: ", "))"
            )
        }
        return .setParameter(name: String(name), value: unquoted(value))
    }

    private static func splitWord(_ text: Substring) -> (Substring, Substring) {
        let word = text.prefix { !$0.isWhitespace }
        return (word, trimmed(text[word.endIndex...]))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    private static func unquoted(_ text: Substring) -> String {
        guard text.count >= 2, text.first == "\"", text.last == "\"" else { return String(text) }
        return String(text.dropFirst().dropLast())
    }
}

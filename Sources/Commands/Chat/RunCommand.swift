/// `torii run MODEL [PROMPT]`: a chat in the terminal, or one answer.
enum RunCommand {
    /// The longest prompt that is taken from a pipe, in bytes.
    static let maximumInputByteCount = 16 << 20

    static let command = Command(
        specification: CommandSpecification(
            name: "run",
            summary: "Chat with a model",
            discussion: """
                Without a PROMPT, and with a terminal at both ends, it is a conversation: /help
                lists what can be typed. With a PROMPT, or with text in a pipe, it prints one
                answer and ends; text in a pipe comes after the PROMPT.
                """,
            options: [
                .value("--system", name: "TEXT", help: "tell the model how to behave"),
                .value(
                    "--set",
                    name: "NAME=VALUE",
                    canRepeat: true,
                    help: "set a parameter like temperature=0"
                ),
                .flag("--verbose", "-v", help: "print counts and speed after each answer"),
                DaemonClient.hostOption,
            ],
            positionals: [
                PositionalSpecification(name: "MODEL", help: "name or alias of the model"),
                PositionalSpecification(
                    name: "PROMPT",
                    isOptional: true,
                    canRepeat: true,
                    help: "what to ask"
                ),
            ]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let conversation = try conversation(arguments)
            let prompt = arguments.positionals.dropFirst().joined(separator: " ")
            var chat = TerminalChat(
                client: client,
                terminal: environment.terminal,
                conversation: conversation,
                isVerbose: arguments.flag("--verbose")
            )
            if prompt.isEmpty, environment.terminal.isInteractive {
                try chat.converse()
                return 0
            }
            var input = InputLines()
            let piped =
                environment.terminal.hasInputTerminal
                ? "" : input.rest(maximumByteCount: maximumInputByteCount)
            let question = [prompt, piped].filter { !$0.isEmpty }.joined(separator: "\n\n")
            guard !question.isEmpty else {
                throw UsageError(command: "run", problem: "PROMPT is missing and the pipe is empty")
            }
            try chat.answerOnce(question)
            return 0
        }
    )

    private static func conversation(_ arguments: ParsedArguments) throws -> Conversation {
        var conversation = Conversation(model: arguments.positional(0) ?? "")
        conversation.system = arguments.string("--system") ?? ""
        for text in arguments.strings("--set") {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard parts.count == 2, ChatParameters.names.contains(name) else {
                throw UsageError(
                    command: "run",
                    problem: "--set \(text) is not one of "
                        + ChatParameters.names.map { $0 + "=VALUE" }.joined(separator: ", ")
                )
            }
            if let problem = conversation.parameters.set(name, to: String(parts[1])) {
                throw UsageError(command: "run", problem: "--set \(text): \(problem)")
            }
        }
        return conversation
    }
}

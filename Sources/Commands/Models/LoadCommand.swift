import JSON

/// `torii load MODEL`: has the daemon load a model, and waits until it is in memory.
enum LoadCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "load",
            summary: "Load a model into memory",
            discussion: """
                Waits until the model is in memory, and shows how far it is on a terminal. Idle
                models make room if there is too little; `torii plan MODEL` tells beforehand which.
                Exits with 1, and says why, when the model cannot be loaded.
                """,
            options: [
                contextOption,
                .value(
                    "--keep-alive",
                    name: "TIME",
                    help: "unload it after so long without use: 90, 10m, 1h30m; -1 never"
                ),
                .flag("--no-evict", help: "unload no other model for it"),
                .flag("--no-wait", help: "return once the load has begun"),
                DaemonClient.hostOption, DaemonClient.jsonOption,
            ],
            positionals: [modelArgument]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let terminal = environment.terminal
            let path = ModelObject.path(arguments.positional(0) ?? "")
            let waits = !arguments.flag("--no-wait")
            let body = try request(arguments, waits: waits)
            let progress =
                waits && terminal.showsProgress
                ? try LoadProgress(of: path, client: client, terminal: terminal) : nil
            let answer: JSONValue
            do {
                defer { progress?.end() }
                answer = try client.post(path + "/load", body)
            }
            if arguments.flag("--json") {
                terminal.writeLine(answer.serialized())
            } else if terminal.showsProgress {
                terminal.writeErrorLine(summary(answer))
            }
            return 0
        }
    )

    /// The option of commands that plan or begin a load.
    static let contextOption = OptionSpecification.value(
        "--context",
        name: "N",
        help: "tokens of prompt and answer together; as configured otherwise"
    )

    /// The one argument of commands about a model.
    static let modelArgument = PositionalSpecification(
        name: "MODEL",
        help: "name or alias of the model"
    )

    /// The tokens that `--context` asks for, nil when it was not given.
    static func contextLength(_ arguments: ParsedArguments) throws(UsageError) -> Int? {
        try arguments.integer("--context", in: 16...16_777_216)
    }

    private static func request(
        _ arguments: ParsedArguments,
        waits: Bool
    ) throws(UsageError) -> JSONValue {
        var body: JSONObject = [
            "wait": .bool(waits), "allow_evict": .bool(!arguments.flag("--no-evict")),
        ]
        if let context = try contextLength(arguments) { body["context"] = .integer(context) }
        if let keepAlive = arguments.string("--keep-alive") {
            body["keep_alive"] = .string(keepAlive)
        }
        return .object(body)
    }

    /// One line about what the daemon answered.
    static func summary(_ answer: JSONValue) -> String {
        let model = ModelObject(json: answer["model"] ?? .null)
        guard let seconds = answer["load_seconds"]?.doubleValue else {
            return "\(model.id) is being loaded; `torii ps` shows how far it is"
        }
        let memory = model.bytes("memory", "held_byte_count")
        return "\(model.id) is in memory (\(memory)) after \(Quantity.decimal(seconds, 1)) s"
    }
}

import APIKeys
import Daemon
import JSON
import Telemetry

/// `torii keys add NAME`, `torii keys list`, `torii keys revoke NAME`: who may use the daemon.
enum KeysCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "keys",
            summary: "Make, list and revoke API keys",
            discussion: """
                `torii keys add NAME` makes a key and prints it, this once: only a code of it is
                kept. From the first key on every request needs one, but for those of the daemon's
                own user and of root, who come by the admin socket. `torii keys revoke NAME` ends a
                key at once, with the requests it has under way; `torii keys` lists all.

                Works through the daemon, or on its file of keys when none runs; a running one
                notices changes of the file by itself.
                """,
            options: termOptions + [
                .value("--file", name: "FILE", help: "work on this file of keys, not the daemon's"),
                DaemonClient.hostOption, DaemonClient.jsonOption,
            ],
            positionals: [
                PositionalSpecification(
                    name: "add|list|revoke",
                    isOptional: true,
                    help: "what to do; list when not given"
                ),
                PositionalSpecification(
                    name: "NAME",
                    isOptional: true,
                    help: "the key's name; revoke also takes its id"
                ),
            ]
        ),
        run: { arguments, environment in
            let keeper = try keeper(arguments, in: environment)
            let terminal = environment.terminal
            let asJSON = arguments.flag("--json")
            switch arguments.positional(0) ?? "list" {
            case "add":
                let answer = try keeper.add(try members(arguments, name: try name(arguments)))
                terminal.writeLine(asJSON ? answer.serialized() : added(answer, keeper))
            case "list":
                let answer = try keeper.list()
                terminal.write(asJSON ? answer.serialized() + "\n" : table(answer))
            case "revoke":
                let answer = try keeper.revoke(try name(arguments))
                let name = answer["name"]?.stringValue ?? ""
                terminal.writeLine(asJSON ? answer.serialized() : "The key \(name) is revoked.")
            case let word:
                throw UsageError(command: "keys", problem: "unknown word \(word)")
            }
            return 0
        }
    )

    private static let termOptions: [OptionSpecification] = [
        .value("--scope", name: "SCOPE", canRepeat: true, help: "infer (as it is), read or admin"),
        .value("--model", name: "PATTERN", canRepeat: true, help: "models it may use, like qwen*"),
        .value("--requests-per-minute", name: "N", help: "how many requests it may send"),
        .value("--tokens-per-minute", name: "N", help: "how many tokens it may use"),
        .value("--concurrent-requests", name: "N", help: "how many at the same time"),
        .value("--weight", name: "W", help: "its share of compute beside other keys, 1"),
        .value("--class", name: "CLASS", help: "interactive, normal or batch"),
        .flag("--private", help: "share no computed prompt beginnings with other keys"),
        .value("--expires-in", name: "TIME", help: "how long it lives, like 12h or 30d"),
    ]

    private static func name(_ arguments: ParsedArguments) throws(UsageError) -> String {
        guard let name = arguments.positional(1) else {
            throw UsageError(command: "keys", problem: "NAME is missing")
        }
        return name
    }

    /// The new key's terms, in the words of the admin API.
    static func members(_ arguments: ParsedArguments, name: String) throws -> JSONObject {
        var members: JSONObject = ["name": .string(name)]
        for (option, member) in [("--scope", "scopes"), ("--model", "models")] {
            let values = arguments.strings(option)
            if !values.isEmpty { members[member] = .array(values.map { .string($0) }) }
        }
        for (option, member) in [
            ("--requests-per-minute", "requests_per_minute"),
            ("--tokens-per-minute", "tokens_per_minute"),
            ("--concurrent-requests", "concurrent_requests"),
        ] {
            members[member] = try arguments.integer(option, in: 1...Int.max).map { .integer($0) }
        }
        if let text = arguments.string("--weight") {
            guard let weight = Double(text) else {
                throw UsageError(command: "keys", problem: "--weight \(text) is not a number")
            }
            members["weight"] = .double(weight)
        }
        members["class"] = arguments.string("--class").map { .string($0) }
        if arguments.flag("--private") { members["private"] = true }
        members["expires_in"] = arguments.string("--expires-in").map { .string($0) }
        return members
    }

    /// The daemon, or its file where there is none.
    private static func keeper(
        _ arguments: ParsedArguments,
        in environment: CommandEnvironment
    ) throws -> any KeyKeeper {
        if let path = arguments.string("--file") {
            return KeyFileKeeper(store: KeyStore(path: path))
        }
        let client = try DaemonClient(arguments, in: environment)
        let isNamed =
            arguments.string("--host") != nil || environment.variable("TORII_HOST") != nil
        if isNamed || client.isAnswered { return DaemonKeyKeeper(client: client) }
        let sources = try ConfigurationSources(
            flags: [:],
            configurationFile: nil,
            variables: environment.variables
        )
        return KeyFileKeeper(store: sources.keyStore)
    }

    private static func added(_ answer: JSONValue, _ keeper: any KeyKeeper) -> String {
        let name = answer["name"]?.stringValue ?? ""
        return """
            \(answer["key"]?.stringValue ?? "")

            This is the key \(name)\(keeper.place). Keep it now: it cannot be shown again.
            """
    }

    /// All keys, one a line.
    static func table(_ answer: JSONValue) -> String {
        let keys = answer["keys"]?.arrayValue ?? []
        guard !keys.isEmpty else {
            return answer["required"]?.boolValue == true
                ? "There is no key, and requests need one: make one with `torii keys add NAME`.\n"
                : "There is no key, and requests need none.\n"
        }
        var table = TextTable([
            ("NAME", .left), ("ID", .left), ("SCOPES", .left), ("MODELS", .left),
            ("LIMITS", .left), ("EXPIRES", .left), ("LAST USED", .left),
        ])
        for key in keys {
            func list(_ member: String) -> String? {
                key[member]?.arrayValue.map { $0.compactMap(\.stringValue).joined(separator: ",") }
            }
            let expires = key["expires"]?.intValue.map { seconds in
                Timestamp(milliseconds: Int64(seconds) * 1000).day
            }
            table.append([
                key["name"]?.stringValue ?? "-", key["id"]?.stringValue ?? "(in a file)",
                list("scopes") ?? "-", list("models") ?? "all", limits(key), expires ?? "never",
                key["last_used"]?.stringValue ?? "-",
            ])
        }
        return table.text
    }

    private static func limits(_ key: JSONValue) -> String {
        let parts = [
            ("requests_per_minute", "requests/min"), ("tokens_per_minute", "tokens/min"),
            ("concurrent_requests", "at once"),
        ].compactMap { member, unit in key[member]?.intValue.map { "\($0) \(unit)" } }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }
}

import FoundationEssentials
import JSON

/// `torii adapters list`, `torii adapters add MODEL PATH`, `torii adapters remove MODEL:NAME`.
enum AdaptersCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "adapters",
            summary: "Add, list and remove LoRA adapters of models",
            discussion: """
                `torii adapters add MODEL PATH` gives a model an adapter, a GGUF file or a folder as PEFT
                lays it out, until it is removed or the daemon ends; `"adapters"` of the model in the
                configuration keep it. Requests ask for it as MODEL:NAME. `torii adapters` lists all,
                `torii adapters list MODEL` a model's. Requests that use an adapter when it is removed
                go on to their end.
                """,
            options: [
                .value("--name", name: "NAME", help: "what requests call it; the path's last part"),
                .value("--scale", name: "S", help: "what its own scale is multiplied with, 1"),
                DaemonClient.hostOption, DaemonClient.jsonOption,
            ],
            positionals: [
                PositionalSpecification(
                    name: "add|list|remove",
                    isOptional: true,
                    help: "what to do; list when not given"
                ),
                PositionalSpecification(
                    name: "MODEL",
                    isOptional: true,
                    help: "the model, or MODEL:NAME to remove"
                ),
                PositionalSpecification(
                    name: "PATH",
                    isOptional: true,
                    help: "the adapter's file or folder, on the daemon's machine"
                ),
            ]
        ),
        run: { arguments, environment in
            let client = try DaemonClient(arguments, in: environment)
            let asJSON = arguments.flag("--json")
            let answer: JSONValue
            let text: String
            switch arguments.positional(0) ?? "list" {
            case "add":
                answer = try add(arguments, client)
                let adapter = answer["adapter"] ?? .null
                let id = adapter["id"]?.stringValue ?? "it"
                text = "Requests can ask for \(id)\(when(adapter)).\n"
            case "list":
                answer = try list(arguments.positional(1), client)
                text = table(answer["adapters"]?.arrayValue ?? [])
            case "remove":
                answer = try remove(arguments, client)
                text = "The adapter \(answer["id"]?.stringValue ?? "") is removed.\n"
            case let word:
                throw UsageError(command: "adapters", problem: "unknown word \(word)")
            }
            environment.terminal.write(asJSON ? answer.serialized() + "\n" : text)
            return 0
        }
    )

    private static func model(_ arguments: ParsedArguments) throws(UsageError) -> String {
        guard let name = arguments.positional(1) else {
            throw UsageError(command: "adapters", problem: "MODEL is missing")
        }
        return name
    }

    private static func add(
        _ arguments: ParsedArguments,
        _ client: DaemonClient
    ) throws -> JSONValue {
        let model = try model(arguments)
        guard let path = arguments.positional(2) else {
            throw UsageError(command: "adapters", problem: "PATH is missing")
        }
        let absolute =
            path.hasPrefix("/")
            ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        var body: JSONObject = ["path": .string(absolute)]
        body["name"] = arguments.string("--name").map { .string($0) }
        if let text = arguments.string("--scale") {
            guard let scale = Double(text) else {
                throw UsageError(command: "adapters", problem: "--scale \(text) is not a number")
            }
            body["scale"] = .double(scale)
        }
        return try client.post(ModelObject.path(model) + "/adapters", .object(body))
    }

    private static func when(_ adapter: JSONValue) -> String {
        adapter["state"]?.stringValue == "resident" ? " now" : " once the model is loaded"
    }

    /// One model's, or those of all.
    private static func list(_ model: String?, _ client: DaemonClient) throws -> JSONValue {
        if let model { return try client.get(ModelObject.path(model) + "/adapters") }
        let (_, models) = try ModelObject.all(from: client)
        return ["adapters": .array(models.compactMap(\.adapter))]
    }

    private static func remove(
        _ arguments: ParsedArguments,
        _ client: DaemonClient
    ) throws -> JSONValue {
        let name = try model(arguments)
        guard let colon = name.lastIndex(of: ":") else {
            throw UsageError(command: "adapters", problem: "\(name) is not MODEL:NAME")
        }
        let path = ModelObject.path(String(name[..<colon]))
        let adapter = URLPath.escape(String(name[name.index(after: colon)...]))
        return try client.delete("\(path)/adapters/\(adapter)")
    }

    /// All adapters, one a line, and below what is wrong with some.
    static func table(_ adapters: [JSONValue]) -> String {
        guard !adapters.isEmpty else {
            return "There are no adapters: give a model one with `torii adapters add MODEL PATH`.\n"
        }
        var table = TextTable([
            ("NAME", .left), ("RANK", .right), ("SIZE", .right), ("STATE", .left), ("PATH", .left),
        ])
        for adapter in adapters {
            table.append([
                adapter["id"]?.stringValue ?? "-",
                adapter["rank"]?.intValue.map { "\($0)" } ?? "-",
                adapter["byte_count"]?.intValue.map { Quantity.bytes($0) } ?? "-",
                adapter["state"]?.stringValue ?? "-", adapter["path"]?.stringValue ?? "-",
            ])
        }
        let problems = adapters.compactMap { adapter in
            adapter["message"]?.stringValue.map { "\(adapter["id"]?.stringValue ?? ""): \($0)\n" }
        }
        return problems.isEmpty ? table.text : table.text + "\n" + problems.joined()
    }
}

import Daemon
import Glibc
import JSON
import KVCache
import ModelService
import Platform

/// `torii bench MODEL`: the engine alone, beside what the machine can do.
enum BenchCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "bench",
            summary: "Measure the speed of a model on this machine",
            discussion: """
                Loads the model into this process and times the forward pass: prefill of a prompt,
                and decode with one or more sequences side by side. Needs no daemon; stop one that
                computes meanwhile. What the machine can do at most is measured with the same
                threads before and after each run: reading memory, products on registers. The table
                tells too what the threads did: products with weights, attention, the rest, or wait.
                """,
            options: [
                .value(
                    "--prompt",
                    "-p",
                    name: "N",
                    help: "tokens of the prompt, 512 when not given"
                ),
                .value("--tokens", "-n", name: "N", help: "tokens to decode, 128 when not given"),
                .value(
                    "--batch",
                    "-b",
                    name: "N,N",
                    help: "sequences side by side, 1,8,32 when not given"
                ),
                .value(
                    "--threads",
                    "-t",
                    name: "N",
                    help: "threads; the usable cores when not given"
                ),
                kvTypeOption,
                .value(
                    "--repeat",
                    "-r",
                    name: "N",
                    help: "runs of each measurement, 3 when not given"
                ),
                .value(
                    "--models",
                    name: "DIR",
                    canRepeat: true,
                    help: "where models are looked up"
                ),
                ConfigurationOptions.configOption, DaemonClient.jsonOption,
            ],
            positionals: [
                PositionalSpecification(
                    name: "MODEL",
                    help: "path of a .gguf file, or a model's name"
                )
            ]
        ),
        run: { arguments, environment in
            let name = arguments.positional(0) ?? ""
            let plan = BenchPlan(
                promptTokenCount: try arguments.integer("--prompt", in: 1...131_072) ?? 512,
                outputTokenCount: try arguments.integer("--tokens", in: 1...131_072) ?? 128,
                batchSizes: try arguments.integers("--batch", in: 1...512) ?? [1, 8, 32],
                threadCount: try arguments.integer("--threads", in: 1...256)
                    ?? ProcessorFacts.usableCoreCount(),
                kvType: try kvType(arguments),
                repeatCount: try arguments.integer("--repeat", in: 1...1000) ?? 3
            )
            let path = try modelPath(name, arguments, in: environment)
            let terminal = environment.terminal
            var benchmark = try EngineBenchmark(path: path, plan: plan) { fraction in
                terminal.showProgress("loading \(name): \(Int(fraction * 100)) %")
            }
            let report = benchmark.measure(model: name, path: path) {
                terminal.showProgress($0 + " …")
            }
            terminal.clearProgress()
            terminal.write(arguments.flag("--json") ? report.json.serialized() + "\n" : report.text)
            return 0
        }
    )

    static let kvTypeOption = OptionSpecification.value(
        "--kv",
        name: "TYPE",
        help: "keys and values: f16, q8 or q8-values; f16 when not given"
    )

    /// The value of `kvTypeOption`.
    static func kvType(_ arguments: ParsedArguments) throws -> KVType {
        guard let name = arguments.string("--kv") else { return .f16 }
        guard let type = KVType(rawValue: name) else {
            throw CommandFailure("--kv is f16, q8 or q8-values, not \(name)")
        }
        return type
    }

    /// A file if there is one, else a name in the directories that `serve` would use.
    private static func modelPath(
        _ name: String,
        _ arguments: ParsedArguments,
        in environment: CommandEnvironment
    ) throws -> String {
        // Safety: the string outlives the call as a NUL-terminated copy.
        if unsafe access(name, F_OK) == 0 { return name }
        guard !name.contains("/") else { throw CommandFailure("there is no file \(name)") }
        let configuration = try DaemonConfiguration(
            checking: ConfigurationOptions.sources(arguments, in: environment)
        )
        switch configuration.resolveModel(name) {
        case .found(let entry): return entry.path
        case .ambiguous(let ids):
            throw CommandFailure("\(name) may be \(ids.joined(separator: " or "))")
        case .unknown, .unknownAdapter:
            throw CommandFailure(
                "no model \(name) in \(configuration.modelDirectories.joined(separator: ", ")); "
                    + "name a .gguf file, or the directory with --models"
            )
        }
    }
}

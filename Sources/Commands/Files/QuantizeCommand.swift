/// `torii quantize IN OUT TYPE`: a model's matrices in another type.
enum QuantizeCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "quantize",
            summary: "Write a model with its matrices in another type",
            discussion: """
                TYPE is \(FileTypes.names). Start from a file in F16, BF16 or F32: what was lost by an
                earlier quantisation does not come back.
                """,
            options: [],
            positionals: [
                PositionalSpecification(name: "IN", help: "path of a .gguf file or of a folder"),
                PositionalSpecification(name: "OUT", help: "the .gguf file to write; replaced"),
                PositionalSpecification(name: "TYPE", help: "how the matrices are stored"),
            ]
        ),
        run: { arguments, environment in
            try FileTypes.write(
                from: arguments.positional(0) ?? "",
                to: arguments.positional(1) ?? "",
                as: try FileTypes.type(arguments.positional(2) ?? ""),
                environment
            )
            return 0
        }
    )
}

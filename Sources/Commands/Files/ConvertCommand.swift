/// `torii convert FOLDER -o FILE`: a Hugging Face folder becomes a GGUF file.
enum ConvertCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "convert",
            summary: "Write a Hugging Face folder as a GGUF file",
            discussion: """
                FOLDER holds config.json, tokenizer.json and weights in safetensors. The weights keep
                their type unless --type names another: \(FileTypes.names). Other programs that read
                GGUF files can use the result.
                """,
            options: [
                .value("--output", "-o", name: "FILE", help: "the file to write; replaced"),
                .value("--type", name: "TYPE", help: "how the matrices are stored"),
            ],
            positionals: [
                PositionalSpecification(
                    name: "FOLDER",
                    help: "path of a folder, or of a .gguf file"
                )
            ]
        ),
        run: { arguments, environment in
            guard let output = arguments.string("--output") else {
                throw CommandFailure("name the file to write with -o")
            }
            let type = try arguments.string("--type").map(FileTypes.type)
            try FileTypes.write(
                from: arguments.positional(0) ?? "",
                to: output,
                as: type,
                environment
            )
            return 0
        }
    )
}

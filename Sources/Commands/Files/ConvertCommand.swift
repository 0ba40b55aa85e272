import ModelFiles
import Tensors

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

/// The types that whole files are written in.
private enum FileTypes {
    static let names = BlockQuantizer.supportedTypes.map(\.name).joined(separator: ", ")

    static func type(_ name: String) throws -> TensorType {
        let type = BlockQuantizer.supportedTypes.first {
            $0.name.lowercased() == name.lowercased()
        }
        guard let type else {
            throw CommandFailure("the type must be one of \(names), not \(name)", exitCode: 2)
        }
        return type
    }

    static func write(
        from path: String,
        to output: String,
        as type: TensorType?,
        _ environment: CommandEnvironment
    ) throws {
        guard path != output else {
            throw CommandFailure("the file to write is the file to read; name another")
        }
        var model = try GGUFFile.open(path: path)
        if let type { model = try model.quantized(to: type) }
        var shown = -1
        try GGUFFileWriter(model).write(to: output) { fraction in
            let percent = Int(fraction * 100)
            guard percent > shown else { return }
            shown = percent
            environment.terminal.showProgress("writing \(output): \(percent) %")
        }
        environment.terminal.clearProgress()
        let byteCount = model.tensors.reduce(0) { $0 + $1.byteCount }
        environment.terminal.write(
            "\(output): \(model.tensors.count) tensors, \(Quantity.bytes(byteCount))\n"
        )
    }
}

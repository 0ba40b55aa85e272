import ModelFiles
import Tensors

/// The types that whole files are written in.
enum FileTypes {
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
        var model = try GGUFFile.open(path: path).inModelOrder()
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

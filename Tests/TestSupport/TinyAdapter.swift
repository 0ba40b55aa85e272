import Foundation
import Tensors

/// A LoRA adapter with random factors for a tiny model, in each form that one can have; and the model
/// with the adapter merged into its weights, which must answer the same.
package struct TinyAdapter: Sendable {
    /// `general.architecture` of what the adapter is for.
    private let architecture: String
    /// The model's; F32, so that they can be merged into.
    private let tensors: [GGUFWriter.Tensor]
    /// The rank of every pair.
    package var rank = 5
    /// `adapter.lora.alpha`.
    package var alpha: Float = 20
    /// The same seed gives the same factors.
    package var seed: UInt64 = 1
    /// F32 or F16.
    package var type = TensorType.f32
    /// Which of the model's tensors it changes, by the names that GGUF gives them.
    package var targets = [
        "attn_q", "attn_k", "attn_v", "attn_qkv", "attn_output", "ffn_gate", "ffn_up", "ffn_down",
    ]

    /// An adapter of all layers' products.
    package init(for model: TinyModel, seed: UInt64 = 1) {
        var model = model
        model.types = [.f32]
        architecture = model.architecture
        tensors = model.writer().tensors
        self.seed = seed
    }

    /// An adapter of all layers' products of an encoder, whose weights are F32.
    package init(for encoder: TinyEncoder, seed: UInt64 = 1) {
        architecture = encoder.architecture
        tensors = encoder.writer().tensors
        self.seed = seed
    }

    /// The factors for one tensor.
    package struct Pair {
        /// The tensor's name in GGUF.
        package let name: String
        /// Elements of the tensor's rows.
        package let columnCount: Int
        /// Rows of the tensor.
        package let rowCount: Int
        /// `[rank, columns]`.
        package let down: [Float]
        /// `[rows, rank]`.
        package let up: [Float]
    }

    /// The factors, in the order of the model's tensors.
    package var pairs: [Pair] {
        var generator = SeededGenerator(seed: seed)
        var pairs: [Pair] = []
        for tensor in tensors {
            let parts = tensor.name.split(separator: ".")
            guard parts.last == "weight",
                parts.dropLast().last.map({ targets.contains(String($0)) })
                    ?? false
            else { continue }
            let (columns, rows) = (tensor.dimensions[0], tensor.dimensions[1])
            func numbers(_ count: Int, _ range: ClosedRange<Float>) -> [Float] {
                (0..<count).map { _ in
                    let number = Float.random(in: range, using: &generator)
                    return type == .f16 ? Float(Float16(number)) : number
                }
            }
            let deviation = 1 / Float(columns).squareRoot()
            pairs.append(
                Pair(
                    name: tensor.name,
                    columnCount: columns,
                    rowCount: rows,
                    down: numbers(rank * columns, -deviation...deviation),
                    up: numbers(rows * rank, -0.3...0.3)
                )
            )
        }
        return pairs
    }

    /// The adapter as a GGUF file, still open for changes.
    package func writer() -> GGUFWriter {
        var writer = GGUFWriter()
        writer.set("general.architecture", .string(architecture))
        writer.set("general.type", .string("adapter"))
        writer.set("general.name", .string("Tiny adapter"))
        writer.set("adapter.type", .string("lora"))
        writer.set("adapter.lora.alpha", .float32(alpha))
        for pair in pairs {
            writer.tensors.append(
                GGUFWriter.Tensor(
                    name: pair.name + ".lora_a",
                    type: type,
                    dimensions: [pair.columnCount, rank],
                    bytes: bytes(pair.down)
                )
            )
            writer.tensors.append(
                GGUFWriter.Tensor(
                    name: pair.name + ".lora_b",
                    type: type,
                    dimensions: [rank, pair.rowCount],
                    bytes: bytes(pair.up)
                )
            )
        }
        return writer
    }

    /// The adapter's files as PEFT lays them out, for a model of ``TinyFolder``.
    package func folderFiles(
        changing change: (inout [String: Any]) -> Void = { _ in }
    ) throws -> [String: [UInt8]] {
        var configuration: [String: Any] = [
            "peft_type": "LORA", "r": rank, "lora_alpha": alpha, "bias": "none",
            "use_rslora": false, "use_dora": false, "fan_in_fan_out": false,
            "init_lora_weights": true, "modules_to_save": NSNull(),
            "target_modules": ["q_proj", "k_proj"],
        ]
        change(&configuration)
        let word = type == .f16 ? "F16" : "F32"
        let tensors = pairs.flatMap { pair in
            let name = "base_model.model." + TinyFolder.name(pair.name).dropLast(".weight".count)
            return [
                (name + ".lora_A.weight", word, [rank, pair.columnCount], bytes(pair.down)),
                (name + ".lora_B.weight", word, [pair.rowCount, rank], bytes(pair.up)),
            ]
        }
        return [
            "adapter_config.json": Array(
                try JSONSerialization.data(withJSONObject: configuration, options: [.sortedKeys])
            ),
            "adapter_model.safetensors": try TinyFolder.safetensors(tensors),
        ]
    }

    /// Writes a folder as PEFT does.
    package func writeFolder(
        to folder: String,
        changing change: (inout [String: Any]) -> Void = { _ in }
    ) throws {
        for (name, bytes) in try folderFiles(changing: change) {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
    }

    /// Adds `scale * up down`, with `scale` = alpha / rank unless given, to the model's tensors.
    package func merge(into tensors: inout [GGUFWriter.Tensor], scale: Float? = nil) {
        let scale = scale ?? alpha / Float(rank)
        for pair in pairs {
            guard let place = tensors.firstIndex(where: { $0.name == pair.name }) else { continue }
            precondition(tensors[place].type == .f32, "what is merged into is F32")
            var values = tensors[place].bytes.withUnsafeBytes {
                Array($0.bindMemory(to: Float.self))
            }
            for row in 0..<pair.rowCount {
                for column in 0..<pair.columnCount {
                    var sum = 0.0
                    for index in 0..<rank {
                        sum +=
                            Double(pair.up[row * rank + index])
                            * Double(pair.down[index * pair.columnCount + column])
                    }
                    values[row * pair.columnCount + column] += Float(Double(scale) * sum)
                }
            }
            tensors[place].bytes = values.withUnsafeBytes { Array($0) }
        }
    }

    private func bytes(_ values: [Float]) -> [UInt8] {
        type == .f16
            ? values.map { Float16($0) }.withUnsafeBytes { Array($0) }
            : values.withUnsafeBytes { Array($0) }
    }
}

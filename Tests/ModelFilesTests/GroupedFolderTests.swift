import Foundation
import ModelFiles
import Tensors
import TestSupport
import Testing

/// Folders whose matrices are quantised as GPTQ, AWQ and compressed-tensors do.
@Suite(.timeLimit(.minutes(20)))
struct GroupedFolderTests {
    private typealias Style = TinyGroupedMatrix.Style
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private static func style(_ change: (inout Style) -> Void) -> Style {
        var style = Style()
        change(&style)
        return style
    }

    static let styles: [(TinyGroupedMatrix.Style, TensorType)] = [
        (style { $0.isSymmetric = true }, .q4_0),
        (style { _ in }, .q4_1),
        (
            style {
                $0.isSecondVersion = true; $0.groupLength = 32
            }, .q4_1
        ),
        (
            style {
                $0.isSecondVersion = true; $0.isSymmetric = true; $0.groupLength = -1
            }, .q4_0
        ),
        (style { $0.groupLength = 128 }, .q4_1),
        (style { $0.isAWQ = true }, .q4_1),
        (
            style {
                $0.isAWQ = true; $0.groupLength = -1
            }, .q4_1
        ),
        (style { $0.isScattered = true }, .q4_1),
        (
            style {
                $0.isScattered = true; $0.isSymmetric = true; $0.groupLength = 32
            }, .q4_0
        ),
        (
            style {
                $0.isScattered = true; $0.groupLength = 128
            }, .q4_1
        ),
        (
            style {
                $0.isScattered = true; $0.groupLength = 16
            }, .f16
        ),
        (style { $0.groupLength = 16 }, .f16),
        (
            style {
                $0.bitCount = 8; $0.isSymmetric = true
            }, .q8_0
        ),
        (
            style {
                $0.bitCount = 8; $0.isSymmetric = true; $0.isSecondVersion = true
                $0.groupLength = -1
            }, .q8_0
        ),
        (style { $0.bitCount = 8 }, .f16),
        (
            style {
                $0.isCompressed = true; $0.isSymmetric = true
            }, .q4_0
        ),
        (
            style {
                $0.isCompressed = true; $0.groupLength = 32
            }, .q4_1
        ),
        (
            style {
                $0.isCompressed = true; $0.isSymmetric = true; $0.bitCount = 8
                $0.groupLength = -1
            }, .q8_0
        ),
        (
            style {
                $0.isCompressed = true; $0.isScattered = true
            }, .q4_1
        ),
        (
            style {
                $0.bitCount = 8; $0.isSymmetric = true; $0.isScattered = true
            }, .q8_0
        ),
        (
            style {
                $0.bitCount = 8; $0.isScattered = true
            }, .f16
        ),
    ]

    private func open(_ folder: TinyFolder) throws -> GGUFFile {
        try folder.write(to: directory.path)
        return try GGUFFile.open(path: directory.path)
    }

    /// What a matrix is to hold: the same numbers and scales, in blocks by groups.
    private static func expected(
        _ matrix: TinyGroupedMatrix,
        _ type: TensorType,
        outputs: [Int]
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        let inputs = matrix.inputsByGroup
        let order = type == .f16 ? Array(inputs.indices) : inputs
        func append(_ half: Float16) {
            bytes += [UInt8(half.bitPattern & 255), UInt8(half.bitPattern >> 8)]
        }
        for output in outputs {
            for first in stride(from: 0, to: order.count, by: type.blockElementCount) {
                let (number, scale, zeroPoint) = matrix.parts(output: output, input: order[first])
                guard type != .f16 else {
                    append(Float16(Float(scale) * Float(number - zeroPoint)))
                    continue
                }
                append(scale)
                guard type != .q8_0 else {
                    bytes += order[first..<first + 32].map { input in
                        let number = matrix.parts(output: output, input: input).number
                        return UInt8(bitPattern: Int8(number - 128))
                    }
                    continue
                }
                if type == .q4_1 { append(Float16(-Float(scale) * Float(zeroPoint))) }
                for place in first..<first + 16 {
                    let low = matrix.parts(output: output, input: order[place]).number
                    let high = matrix.parts(output: output, input: order[place + 16]).number
                    bytes.append(UInt8(low | high << 4))
                }
            }
        }
        return bytes
    }

    @Test(arguments: styles)
    func `presents the very numbers and scales in blocks`(
        style: TinyGroupedMatrix.Style,
        type: TensorType
    ) throws {
        let folder = TinyFolder(groups: style)
        let file = try open(folder)
        for stored in folder.model.writer().tensors {
            let tensor = try #require(file.tensor(stored.name))
            #expect(tensor.dimensions == stored.dimensions)
            let bytes = try file.contents(of: tensor, from: 0, count: tensor.byteCount)
            guard let matrix = folder.groupedMatrix(stored) else {
                #expect(bytes == stored.bytes, "\(stored.name)")
                continue
            }
            let outputs = tensor.dimensions[1]
            let expected = Self.expected(matrix, type, outputs: Array(0..<outputs))
            #expect(tensor.type == type)
            let order = style.isScattered && type != .f16 ? matrix.inputsByGroup : nil
            #expect(tensor.columnOrder?.map { Int($0) } == order)
            #expect(bytes == expected, "\(stored.name)")
            let row = expected.count / outputs
            for (start, count) in [(0, 1), (3 * row + 5, 2 * row), (13 * row - 1, 2)] {
                let part = try file.contents(of: tensor, from: start, count: count)
                #expect(part == Array(expected[start..<start + count]), "\(stored.name)")
            }
        }
    }

    @Test(arguments: [
        style { _ in }, style { $0.isAWQ = true }, style { $0.isCompressed = true },
    ])
    func `puts rotary pairs of llama side by side`(style: TinyGroupedMatrix.Style) throws {
        let folder = TinyFolder(architecture: "llama", groups: style)
        let file = try open(folder)
        let name = "blk.1.attn_q.weight"
        let stored = try #require(folder.model.writer().tensors.first { $0.name == name })
        let matrix = try #require(folder.groupedMatrix(stored))
        let tensor = try #require(file.tensor(name))
        let rows = (0..<tensor.dimensions[1]).map { $0 - $0 % 64 + $0 % 2 * 32 + $0 % 64 / 2 }
        let expected = Self.expected(matrix, .q4_1, outputs: rows)
        #expect(
            try file.contents(of: tensor, from: 0, count: tensor.byteCount) == expected
        )
        let part = try file.contents(of: tensor, from: 777, count: 1111)
        #expect(part == Array(expected[777..<777 + 1111]))
    }

    @Test(arguments: [4, 8])
    func `puts scattered inputs where the model has them to write a file`(bitCount: Int) throws {
        let folder = TinyFolder(
            groups: Self.style {
                $0.isScattered = true; $0.isSymmetric = true; $0.bitCount = bitCount
            }
        )
        let file = try open(folder).inModelOrder()
        for stored in folder.model.writer().tensors {
            guard let matrix = folder.groupedMatrix(stored) else { continue }
            let tensor = try #require(file.tensor(stored.name))
            #expect(tensor.type == .f16 && tensor.columnOrder == nil)
            let outputs = Array(0..<tensor.dimensions[1])
            #expect(
                try file.contents(of: tensor, from: 0, count: tensor.byteCount)
                    == Self.expected(matrix, .f16, outputs: outputs),
                "\(stored.name)"
            )
        }
        #expect(file.tensor("token_embd.weight")?.type == .f32)
    }

    @Test func `becomes half floats where readers of one input have several orders`() throws {
        let file = try open(
            TinyFolder(
                groups: Self.style {
                    $0.isScattered = true; $0.hasCommonOrder = false
                }
            )
        )
        for (part, type) in [
            ("attn_q", .f16), ("attn_k", .f16), ("attn_v", .f16), ("attn_output", .q4_1),
            ("ffn_gate", .f16), ("ffn_up", .f16), ("ffn_down", .q4_1),
        ] as [(String, TensorType)] {
            let tensor = file.tensor("blk.1.\(part).weight")
            #expect(tensor?.type == type, "\(part)")
            #expect((tensor?.columnOrder != nil) == (type == .q4_1), "\(part)")
        }
    }

    @Test(arguments: [false, true])
    func `keeps what is in 4 bits when the rest is quantised`(isScattered: Bool) throws {
        let file = try open(TinyFolder(groups: Self.style { $0.isScattered = isScattered }))
        #expect(try file.metadata.string(FolderKeys.quantization) == "GPTQ 4-bit")
        let small = try file.quantized(to: .q8_0)
        let name = "blk.0.ffn_up.weight"
        #expect(small.tensor("token_embd.weight")?.type == .q8_0)
        #expect(small.tensor(name)?.type == .q4_1)
        #expect((small.tensor(name)?.columnOrder != nil) == isScattered)
        #expect(
            try small.contents(of: #require(small.tensor(name)), from: 10, count: 500)
                == file.contents(of: #require(file.tensor(name)), from: 10, count: 500)
        )
        let halves = try #require(try file.quantized(to: .f16).tensor(name))
        #expect(halves.type == .f16 && halves.columnOrder == nil)
    }

    /// Writes a folder with keys of its `quantization_config` changed.
    private func write(
        _ style: TinyGroupedMatrix.Style,
        changing change: [String: any Sendable]
    ) throws {
        try TinyFolder(groups: style).write(to: directory.path)
        let url = URL(fileURLWithPath: "\(directory.path)/config.json")
        var configuration = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any]
        )
        var section = try #require(configuration["quantization_config"] as? [String: Any])
        section.merge(change) { $1 }
        configuration["quantization_config"] = section
        try JSONSerialization.data(withJSONObject: configuration).write(to: url)
    }

    @Test(
        arguments: [
            (["bits": 8], "shape"), (["bits": 3], "bits"),
            (["quant_method": "awq", "bits": 8], "bits"),
            (["quant_method": "bitsandbytes"], "bitsandbytes"),
            (["group_size": 0], "group_size"), (["group_size": -2], "group_size"),
            (["group_size": 1], "shape"), (["group_size": 1_000_000], "shape"),
            (["group_size": Int.max], "shape"),
            (["checkpoint_format": "marlin"], "marlin"), (["sym": true], "sym"),
            (["dynamic": ["+:.*down.*": ["bits": 8]]], "dynamic"),
            (["quant_method": "awq", "version": "gemv"], "gemv"),
            (["quant_method": "awq"], "shape"),
        ] as [([String: any Sendable], String)]
    )
    func `says what can't be read`(change: [String: any Sendable], word: String) throws {
        try write(Self.style { _ in }, changing: change)
        let error = #expect(throws: GGUFError.self) {
            let file = try GGUFFile.open(path: directory.path)
            let tensor = try #require(file.tensor("blk.0.ffn_up.weight"))
            _ = try file.contents(of: tensor, from: 0, count: tensor.byteCount)
        }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test(
        arguments: [
            (["format": "int-quantized"], "int-quantized"),
            (["config_groups": [String: String]()], "config_groups"),
            (weights(["num_bits": 3]), "num_bits"), (weights(["type": "float"]), "num_bits"),
            (weights(["strategy": "tensor"]), "tensor"), (weights(["group_size": 0]), "group"),
            (weights(["group_size": 32]), "shape"), (weights(["num_bits": 8]), "shape"),
        ] as [([String: any Sendable], String)]
    )
    func `says what of compressed-tensors can't be read`(
        change: [String: any Sendable],
        word: String
    ) throws {
        try write(Self.style { $0.isCompressed = true }, changing: change)
        let error = #expect(throws: GGUFError.self) { try GGUFFile.open(path: directory.path) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    private static func weights(_ change: [String: any Sendable]) -> [String: any Sendable] {
        var weights: [String: any Sendable] = [
            "num_bits": 4, "type": "int", "symmetric": false, "strategy": "group",
            "group_size": 64,
        ]
        weights.merge(change) { $1 }
        return ["config_groups": ["group_0": ["weights": weights]]]
    }

    /// The tensors of a linear layer of 64 inputs and 16 outputs in groups of 32, with one replaced.
    private func open(
        replacing part: String,
        _ replacement: (type: String, shape: [Int], words: [Int32])?
    ) throws -> GGUFFile {
        let style = Self.style { $0.groupLength = 32 }
        let folder = TinyFolder(groups: style)
        try folder.write(to: directory.path)
        let name = "model.layers.1.mlp.down_proj"
        var tensors = TinyGroupedMatrix(inputCount: 64, outputCount: 16, style: style, seed: 1)
            .tensors(name)
        tensors.removeAll { $0.name == "\(name).\(part)" }
        if let replacement {
            let bytes = replacement.words.flatMap { word in
                (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
            }
            tensors.append(
                ("\(name).\(part)", replacement.type, replacement.shape, bytes)
            )
        }
        let path = "\(directory.path)/model-00002-of-00002.safetensors"
        try Data(TinyFolder.safetensors(tensors)).write(to: URL(fileURLWithPath: path))
        return try GGUFFile.open(path: directory.path)
    }

    @Test(
        arguments: [
            ("qzeros", nil, "missing"), ("scales", nil, "missing"), ("qweight", nil, "missing"),
            ("g_idx", ("I32", [64], Array(repeating: 2, count: 64)), "none of the 2"),
            ("g_idx", ("I32", [64], Array(repeating: -1, count: 64)), "none of the 2"),
            ("g_idx", ("I32", [63], Array(repeating: 0, count: 63)), "64"),
            ("g_idx", ("F32", [64], Array(repeating: 0, count: 64)), "I32"),
            ("qweight", ("I32", [8, 15], Array(repeating: 0, count: 120)), "multiples of 8"),
            ("qweight", ("I32", [9, 16], Array(repeating: 0, count: 144)), "shape"),
            ("qweight", ("I32", [128], Array(repeating: 0, count: 128)), "matrix"),
            ("qweight", ("F32", [8, 16], Array(repeating: 0, count: 128)), "matrix"),
            ("qweight", ("I32", [1 << 40, 0], []), "matrix"),
            ("qzeros", ("I32", [1, 2], [0, 0]), "shape"),
            ("qzeros", ("I32", [2, 1], [0, 0]), "shape"),
            ("scales", ("F32", [2, 8], Array(repeating: 0, count: 16)), "shape"),
            ("scales", ("I32", [2, 16], Array(repeating: 0, count: 32)), "F16"),
        ] as [(String, (String, [Int], [Int32])?, String)]
    )
    func `refuses parts that don't fit together`(
        part: String,
        replacement: (String, [Int], [Int32])?,
        word: String
    ) throws {
        let error = #expect(throws: GGUFError.self) { try open(replacing: part, replacement) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test(
        arguments: [
            ((0..<64).map { $0 / 32 }, .q4_1), ((0..<64).map { $0 % 2 }, .q4_1),
            ((0..<64).map { $0 / 31 % 2 }, .f16), (Array(repeating: 1, count: 64), .f16),
        ] as [([Int32], TensorType)]
    )
    func `opens sound parts in place of others`(groups: [Int32], type: TensorType) throws {
        let file = try open(replacing: "g_idx", ("I32", [64], groups))
        #expect(file.tensor("blk.1.ffn_down.weight")?.dimensions == [64, 16])
        #expect(file.tensor("blk.1.ffn_down.weight")?.type == type)
    }

    @Test func `refuses quantised tensors that no configuration explains`() throws {
        try TinyFolder().write(to: directory.path)
        let tensors = TinyGroupedMatrix(inputCount: 64, outputCount: 16, style: Style(), seed: 1)
            .tensors("model.layers.1.mlp.down_proj")
        let path = "\(directory.path)/model-00002-of-00002.safetensors"
        try Data(TinyFolder.safetensors(tensors)).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: GGUFError.self) { try GGUFFile.open(path: directory.path) }
        #expect(error?.description.contains("quantization_config") == true)
    }
}

import Foundation

/// A matrix of random numbers of 4 or 8 bits with a scale and a zero point for each output and group of
/// inputs, and the tensors that GPTQ and AWQ store it in.
package struct TinyGroupedMatrix: Sendable {
    /// How a folder stores its matrices.
    package struct Style: Sendable, Hashable {
        /// Bits of a number; 8 with GPTQ only.
        package var bitCount = 4
        /// AWQ instead of GPTQ.
        package var isAWQ = false
        /// compressed-tensors instead of GPTQ.
        package var isCompressed = false
        /// GPTQ: zero points are stored as they are instead of one less.
        package var isSecondVersion = false
        /// All zero points are the middle, and `quantization_config` says so.
        package var isSymmetric = false
        /// Inputs of a group; -1: all.
        package var groupLength = 64
        /// Inputs belong to groups in random order.
        package var isScattered = false
        /// Matrices with the same input have the same order, as real ones do.
        package var hasCommonOrder = true

        /// GPTQ's first version with any zero points, in groups of 64.
        package init() {}

        /// `quantization_config` of `config.json`.
        package var configuration: [String: Any] {
            if isCompressed {
                let weights: [String: Any] = [
                    "num_bits": bitCount, "type": "int", "symmetric": isSymmetric,
                    "strategy": groupLength == -1 ? "channel" : "group",
                    "group_size": groupLength == -1 ? NSNull() : groupLength,
                ]
                return [
                    "quant_method": "compressed-tensors", "format": "pack-quantized",
                    "config_groups": ["group_0": ["targets": ["Linear"], "weights": weights]],
                ]
            }
            return isAWQ
                ? [
                    "quant_method": "awq", "bits": 4, "group_size": groupLength,
                    "zero_point": true, "version": "gemm",
                ]
                : [
                    "quant_method": "gptq", "bits": bitCount, "group_size": groupLength,
                    "sym": isSymmetric, "desc_act": isScattered,
                    "checkpoint_format": isSecondVersion ? "gptq_v2" : "gptq",
                ]
        }
    }

    private let style: Style
    private let inputCount: Int
    private let outputCount: Int
    /// In the order `[inputs, outputs]`.
    private var numbers: [UInt32] = []
    /// In the order `[groups, outputs]`.
    private var zeroPoints: [UInt32] = []
    /// In the order `[groups, outputs]`.
    package private(set) var scales: [Float16] = []
    /// Each input's.
    private var groups: [Int] = []

    /// Random numbers; the same seed gives the same ones, and the same order of inputs if
    /// `orderSeed` is the same.
    package init(
        inputCount: Int,
        outputCount: Int,
        style: Style,
        seed: UInt64,
        orderSeed: UInt64 = 1
    ) {
        self.style = style
        self.inputCount = inputCount
        self.outputCount = outputCount
        var generator = SeededGenerator(seed: seed)
        let length = style.groupLength == -1 ? inputCount : style.groupLength
        groups = (0..<inputCount).map { $0 / length }
        if style.isScattered {
            var generator = SeededGenerator(seed: orderSeed)
            groups.shuffle(using: &generator)
        }
        let largest = (1 << style.bitCount) - 1
        for _ in 0..<inputCount * outputCount {
            numbers.append(UInt32(generator.int(in: 0...largest)))
        }
        for _ in 0..<(inputCount + length - 1) / length * outputCount {
            zeroPoints.append(
                style.isSymmetric ? UInt32(largest / 2 + 1) : UInt32(generator.int(in: 0...largest))
            )
            // Of 4 bits, weights are then about as large as a tiny model's.
            scales.append(Float16(generator.int(in: 100...700) / (largest / 15)) / 32768)
        }
    }

    /// A number, its scale and its zero point.
    package func parts(
        output: Int,
        input: Int
    ) -> (number: Int, scale: Float16, zeroPoint: Int) {
        let place = groups[input] * outputCount + output
        return (
            Int(numbers[input * outputCount + output]), scales[place], Int(zeroPoints[place])
        )
    }

    /// The inputs sorted by their groups.
    package var inputsByGroup: [Int] {
        (0..<inputCount).sorted { (groups[$0], $0) < (groups[$1], $1) }
    }

    /// The tensors of a linear layer called `name`.
    package func tensors(
        _ name: String
    ) -> [(name: String, type: String, shape: [Int], bytes: [UInt8])] {
        let groupCount = scales.count / outputCount
        if style.isCompressed { return compressedTensors(name, groupCount: groupCount) }
        let scales = (
            "\(name).scales", "F16", [groupCount, outputCount], bytes(self.scales.map(\.bitPattern))
        )
        guard !style.isAWQ else {
            return [
                (
                    "\(name).qweight", "I32", [inputCount, outputCount / 8],
                    bytes(alongOutputs(numbers, order: [0, 2, 4, 6, 1, 3, 5, 7]))
                ),
                (
                    "\(name).qzeros", "I32", [groupCount, outputCount / 8],
                    bytes(alongOutputs(zeroPoints, order: [0, 2, 4, 6, 1, 3, 5, 7]))
                ),
                scales,
            ]
        }
        let (wordLength, mask) = (32 / style.bitCount, UInt32(1) << style.bitCount - 1)
        let stored = style.isSecondVersion ? zeroPoints : zeroPoints.map { ($0 &- 1) & mask }
        return [
            (
                "\(name).qweight", "I32", [inputCount / wordLength, outputCount],
                bytes(alongInputs(numbers))
            ),
            (
                "\(name).qzeros", "I32", [groupCount, outputCount / wordLength],
                bytes(alongOutputs(stored, order: Array(0..<wordLength)))
            ),
            scales,
            ("\(name).g_idx", "I32", [inputCount], bytes(groups.map { UInt32($0) })),
        ]
    }

    private func compressedTensors(
        _ name: String,
        groupCount: Int
    ) -> [(name: String, type: String, shape: [Int], bytes: [UInt8])] {
        let length = 32 / style.bitCount
        let shape = [UInt64(outputCount), UInt64(inputCount)]
        var tensors = [
            (
                "\(name).weight_packed", "I32", [outputCount, inputCount / length],
                bytes(transposed(alongInputs(numbers), rowLength: outputCount))
            ),
            (
                "\(name).weight_scale", "F16", [outputCount, groupCount],
                bytes(transposed(scales.map(\.bitPattern), rowLength: outputCount))
            ),
            ("\(name).weight_shape", "I64", [2], bytes(shape)),
        ]
        if !style.isSymmetric {
            let words = alongOutputs(zeroPoints, order: Array(0..<length))
            tensors.append(
                (
                    "\(name).weight_zero_point", "I32", [outputCount / length, groupCount],
                    bytes(transposed(words, rowLength: outputCount / length))
                )
            )
        }
        if style.isScattered {
            tensors.append(
                ("\(name).weight_g_idx", "I32", [inputCount], bytes(groups.map { UInt32($0) }))
            )
        }
        return tensors
    }

    private func transposed<Element>(_ elements: [Element], rowLength: Int) -> [Element] {
        (0..<rowLength).flatMap { column in
            stride(from: column, to: elements.count, by: rowLength).map { elements[$0] }
        }
    }

    /// Several inputs of an output in a word.
    private func alongInputs(_ numbers: [UInt32]) -> [UInt32] {
        var words: [UInt32] = []
        let length = 32 / style.bitCount
        for first in stride(from: 0, to: inputCount, by: length) {
            for output in 0..<outputCount {
                words.append(
                    (0..<length).reduce(0) {
                        $0 | numbers[(first + $1) * outputCount + output]
                            << UInt32(style.bitCount * $1)
                    }
                )
            }
        }
        return words
    }

    /// Several outputs in a word: place n has that of output `order[n]`.
    private func alongOutputs(_ numbers: [UInt32], order: [Int]) -> [UInt32] {
        stride(from: 0, to: numbers.count, by: order.count).map { first in
            order.enumerated().reduce(0) {
                $0 | numbers[first + $1.element] << UInt32(style.bitCount * $1.offset)
            }
        }
    }

    private func bytes<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
        words.flatMap { word in
            (0..<Word.bitWidth / 8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
    }
}

import Tensors

/// A matrix of 4-bit numbers as GPTQ and AWQ store it: in three or four tensors, with the inputs as
/// rows.
///
/// A weight is scale · (number − zero point), both those of its output and of its input's group. It is
/// presented in blocks of 32 with the very same numbers and scales: as `Q4_0`, exactly, where all zero
/// points are 8, else as `Q4_1`, whose minimum −scale · zero point is rounded to a half float. Where
/// blocks don't lie within groups, because the groups aren't runs of inputs ("act-order") or are too
/// short, it is presented as `F16`.
///
/// Formats: AutoGPTQ's and AutoAWQ's linear layers.
struct GroupedMatrix: Sendable {
    /// A stored tensor, and the number of its file.
    struct Part: Sendable {
        let tensor: SafetensorsFile.Tensor
        let file: Int
    }

    /// The suffixes of the parts' names.
    enum PartName: String, CaseIterable {
        case quants = ".qweight"
        case zeroPoints = ".qzeros"
        case scales = ".scales"
        case order = ".g_idx"
    }

    /// Numbers in a stored word of 32 bits.
    static let wordLength = 8
    /// Weights in a block of `Q4_0` and `Q4_1`.
    static let blockLength = 32

    /// The numbers, with GPTQ `[inputs / 8, outputs]`, the lowest bits first, with AWQ
    /// `[inputs, outputs / 8]`, where nibble n belongs to output `[0, 2, 4, 6, 1, 3, 5, 7][n]`.
    let quants: Part
    /// The zero points, `[groups, outputs / 8]`, packed as AWQ packs numbers, with GPTQ in plain order.
    let zeroPoints: Part
    /// The scales, `[groups, outputs]`, of floats.
    let scales: Part
    let quantization: FolderQuantization
    let inputCount: Int
    let outputCount: Int
    /// Each input's group, if the groups are no runs of inputs.
    private(set) var scatteredGroups: [Int32]?
    /// What the matrix is presented as: `q4_0`, `q4_1` or `f16`.
    let type: TensorType

    /// Inputs that share a scale.
    var groupLength: Int { quantization.groupLength ?? inputCount }
    var groupCount: Int { (inputCount + groupLength - 1) / groupLength }
    /// Bytes of an output's weights in `type`.
    var rowByteCount: Int {
        inputCount / type.blockElementCount * type.blockByteCount
    }

    /// Checks that the parts fit together.
    ///
    /// - Parameters:
    ///   - name: What the matrix is called, without the parts' suffixes.
    ///   - parts: The tensors with such names.
    ///   - quantization: How they are packed.
    ///   - path: The folder, for errors.
    ///   - read: Gives the bytes of a part.
    /// - Throws: Which part is missing or of an impossible shape.
    init(
        name: String,
        parts: [PartName: Part],
        quantization: FolderQuantization,
        path: String,
        read: (Part) throws(GGUFError) -> [UInt8]
    ) throws(GGUFError) {
        func refusal(_ part: PartName, _ reason: String) -> GGUFError {
            GGUFError(
                path: path,
                problem: .invalidTensor(name: name + part.rawValue, reason: reason)
            )
        }
        func part(_ part: PartName, _ types: [TensorType]) throws(GGUFError) -> Part {
            guard let found = parts[part] else {
                throw refusal(part, "is missing; the weights can't be told without it")
            }
            guard types.contains(found.tensor.type), found.tensor.shape.count == 2,
                found.tensor.shape.allSatisfy({ (1...Int(Int32.max)).contains($0) })
            else {
                throw refusal(
                    part,
                    "is no matrix of \(types.map(\.name).joined(separator: " or "))"
                )
            }
            return found
        }
        self.quantization = quantization
        quants = try part(.quants, [.i32])
        zeroPoints = try part(.zeroPoints, [.i32])
        scales = try part(.scales, [.f16, .bf16, .f32])
        let shape = quants.tensor.shape
        let isGPTQ = quantization.method == .gptq
        inputCount = isGPTQ ? shape[0] * Self.wordLength : shape[0]
        outputCount = isGPTQ ? shape[1] : shape[1] * Self.wordLength
        let length = quantization.groupLength ?? inputCount
        let groupCount = (inputCount + length - 1) / length
        guard outputCount % Self.wordLength == 0, inputCount % Self.wordLength == 0 else {
            throw refusal(.quants, "has the shape \(shape), no multiples of 8 inputs and outputs")
        }
        for (part, expected) in [
            (PartName.scales, [groupCount, outputCount]),
            (.zeroPoints, [groupCount, outputCount / Self.wordLength]),
        ] where parts[part]?.tensor.shape != expected {
            throw refusal(
                part,
                "has the shape \(parts[part]?.tensor.shape ?? []) instead of \(expected), which "
                    + "\(inputCount) inputs in groups of \(length) and \(outputCount) outputs need"
            )
        }
        if let order = parts[.order] {
            guard order.tensor.type == .i32, order.tensor.shape == [inputCount] else {
                throw refusal(.order, "is no list of \(inputCount) groups in I32")
            }
            let groups = Self.integers(try read(order))
            guard groups.allSatisfy({ $0 >= 0 && $0 < groupCount }) else {
                throw refusal(.order, "names a group that is none of the \(groupCount)")
            }
            let isRuns = groups.enumerated().allSatisfy { Int($1) == $0 / length }
            scatteredGroups = isRuns ? nil : groups
        }
        let fitsBlocks =
            scatteredGroups == nil && length % Self.blockLength == 0
            && inputCount % Self.blockLength == 0
        type = !fitsBlocks ? .f16 : quantization.isSymmetric ? .q4_0 : .q4_1
    }

    private static func integers(_ bytes: [UInt8]) -> [Int32] {
        stride(from: 0, to: bytes.count, by: 4).map { bytes.littleEndian(Int32.self, at: $0) }
    }
}

import Tensors

/// A matrix of numbers of 4 or 8 bits as GPTQ and AWQ store it, in three or four tensors with the inputs as
/// rows, and as compressed-tensors does, with the outputs as rows.
///
/// A weight is scale · (number − zero point), both those of its output and of its input's group. It is
/// presented in blocks of 32 with the very same numbers and scales: as `Q4_0`, exactly, where all zero
/// points are 8, else as `Q4_1`, whose minimum −scale · zero point is rounded to a half float; of 8 bits
/// as `Q8_0`, exactly, where all zero points are 128. Where they aren't, or groups are no whole blocks,
/// it is presented as `F16`. Groups needn't be runs of inputs ("act-order"): the inputs are then put in
/// such an order that they are.
///
/// Formats: AutoGPTQ's and AutoAWQ's linear layers; compressed-tensors' `pack-quantized`.
struct GroupedMatrix: Sendable {
    /// A stored tensor, and the number of its file.
    struct Part: Sendable {
        let tensor: SafetensorsFile.Tensor
        let file: Int
    }

    /// What a part holds.
    enum PartName: CaseIterable {
        case quants, zeroPoints, scales, order
        /// Outputs and inputs, which the other parts' shapes tell too.
        case shape

        /// How the part's name ends.
        func suffix(_ method: FolderQuantization.Method) -> String {
            switch (self, method) {
            case (.quants, .compressedTensors): ".weight_packed"
            case (.zeroPoints, .compressedTensors): ".weight_zero_point"
            case (.scales, .compressedTensors): ".weight_scale"
            case (.order, .compressedTensors): ".weight_g_idx"
            case (.shape, _): ".weight_shape"
            case (.quants, _): ".qweight"
            case (.zeroPoints, _): ".qzeros"
            case (.scales, _): ".scales"
            case (.order, _): ".g_idx"
            }
        }
    }

    /// Weights in a block of `Q4_0`, `Q4_1` and `Q8_0`.
    static let blockLength = 32

    /// The numbers, W of them in a word, the lowest bits first.
    ///
    /// With GPTQ `[inputs / W, outputs]`; with AWQ `[inputs, outputs / 8]`, where nibble n belongs to
    /// output `[0, 2, 4, 6, 1, 3, 5, 7][n]`; with compressed-tensors `[outputs, inputs / W]`.
    let quants: Part
    /// The zero points; nil: all are the middle.
    ///
    /// `[groups, outputs / W]`, packed as AWQ packs numbers, with GPTQ in plain order; with
    /// compressed-tensors `[outputs / W, groups]`.
    let zeroPoints: Part?
    /// The scales, `[groups, outputs]`, with compressed-tensors `[outputs, groups]`, of floats.
    let scales: Part
    let quantization: FolderQuantization
    let inputCount: Int
    let outputCount: Int
    /// Each input's group, if the groups are no runs of inputs.
    private(set) var scatteredGroups: [Int32]?
    /// The inputs in the order that the matrix is presented in: by their groups; nil: as they are.
    private(set) var order: [Int32]?
    /// What the matrix is presented as: `q4_0`, `q4_1`, `q8_0` or `f16`.
    private(set) var type: TensorType

    /// W: numbers in a stored word.
    var wordLength: Int { quantization.wordLength }

    /// Inputs that share a scale.
    var groupLength: Int { quantization.groupLength ?? inputCount }
    var groupCount: Int { Self.groupCount(of: inputCount, length: groupLength) }
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
        let finder = PartFinder(
            name: name,
            parts: parts,
            method: quantization.method,
            path: path
        )
        self.quantization = quantization
        quants = try finder.part(.quants, [.i32])
        scales = try finder.part(.scales, [.f16, .bf16, .f32])
        let shape = quants.tensor.shape
        let wordLength = quantization.wordLength
        let isByOutput = quantization.method == .compressedTensors
        switch quantization.method {
        case .gptq: (inputCount, outputCount) = (shape[0] * wordLength, shape[1])
        case .awq: (inputCount, outputCount) = (shape[0], shape[1] * wordLength)
        case .compressedTensors: (inputCount, outputCount) = (shape[1] * wordLength, shape[0])
        }
        let hasZeroPoints = !isByOutput || !quantization.isSymmetric
        zeroPoints = hasZeroPoints ? try finder.part(.zeroPoints, [.i32]) : nil
        let length = quantization.groupLength ?? inputCount
        let groupCount = Self.groupCount(of: inputCount, length: length)
        guard outputCount % wordLength == 0, inputCount % wordLength == 0 else {
            throw finder.refusal(
                .quants,
                "has the shape \(shape), no multiples of \(wordLength) inputs and outputs"
            )
        }
        let scaleShape = [groupCount, outputCount]
        let zeroPointShape = [groupCount, outputCount / wordLength]
        for (part, found, expected) in [
            (PartName.scales, scales, isByOutput ? scaleShape.reversed() : scaleShape),
            (.zeroPoints, zeroPoints, isByOutput ? zeroPointShape.reversed() : zeroPointShape),
        ] where found != nil && found?.tensor.shape != expected {
            throw finder.refusal(
                part,
                "has the shape \(found?.tensor.shape ?? []) instead of \(expected), which "
                    + "\(inputCount) inputs in groups of \(length) and \(outputCount) outputs need"
            )
        }
        if let groups = try finder.groups(of: inputCount, count: groupCount, read: read),
            groups.enumerated().contains(where: { Int($1) != $0 / length })
        {
            scatteredGroups = groups
            order = Self.inputs(by: groups, length: length)
        }
        let fitsBlocks =
            (scatteredGroups == nil) == (order == nil)
            && length % Self.blockLength == 0 && inputCount % Self.blockLength == 0
        type =
            switch (fitsBlocks, quantization.isSymmetric, quantization.bitCount) {
            case (true, true, 4): .q4_0
            case (true, false, 4): .q4_1
            case (true, true, _): .q8_0
            default: .f16
            }
        if type == .f16 { order = nil }
    }

    private static func groupCount(of inputCount: Int, length: Int) -> Int {
        (inputCount - 1) / length + 1
    }

    /// The same matrix as `F16`, with its inputs as they are.
    func inHalves() -> GroupedMatrix {
        var matrix = self
        (matrix.type, matrix.order) = (.f16, nil)
        return matrix
    }

    /// The inputs sorted by their groups, those of one as they are; nil unless each group has as many
    /// as it should.
    private static func inputs(by groups: [Int32], length: Int) -> [Int32]? {
        var next = (0..<groupCount(of: groups.count, length: length)).map { $0 * length }
        var inputs = [Int32](repeating: 0, count: groups.count)
        for (input, group) in groups.enumerated() {
            let (group, place) = (Int(group), next[Int(group)])
            guard place < min((group + 1) * length, groups.count) else { return nil }
            inputs[place] = Int32(input)
            next[group] += 1
        }
        return inputs
    }
}

/// The stored tensors of one matrix, with errors that name them.
private struct PartFinder {
    let name: String
    let parts: [GroupedMatrix.PartName: GroupedMatrix.Part]
    let method: FolderQuantization.Method
    let path: String

    func refusal(_ part: GroupedMatrix.PartName, _ reason: String) -> GGUFError {
        GGUFError(
            path: path,
            problem: .invalidTensor(name: name + part.suffix(method), reason: reason)
        )
    }

    /// A part that must be a matrix of one of some types.
    func part(
        _ part: GroupedMatrix.PartName,
        _ types: [TensorType]
    ) throws(GGUFError) -> GroupedMatrix.Part {
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

    /// Each input's group, if there is a list of them.
    func groups(
        of inputCount: Int,
        count: Int,
        read: (GroupedMatrix.Part) throws(GGUFError) -> [UInt8]
    ) throws(GGUFError) -> [Int32]? {
        guard let order = parts[.order] else { return nil }
        guard order.tensor.type == .i32, order.tensor.shape == [inputCount] else {
            throw refusal(.order, "is no list of \(inputCount) groups in I32")
        }
        let bytes = try read(order)
        let groups = stride(from: 0, to: bytes.count, by: 4).map {
            bytes.littleEndian(Int32.self, at: $0)
        }
        guard groups.allSatisfy({ $0 >= 0 && $0 < count }) else {
            throw refusal(.order, "names a group that is none of the \(count)")
        }
        return groups
    }
}

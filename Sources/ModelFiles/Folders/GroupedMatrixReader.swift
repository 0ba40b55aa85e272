import Tensors

/// Reads rows of a `GroupedMatrix` as it is presented: an output's weights one behind the other, in
/// blocks with scales, or as half floats.
///
/// Safe from any thread.
struct GroupedMatrixReader {
    let matrix: GroupedMatrix
    /// By `GroupedMatrix.Part.file`.
    let files: [OpenFile]

    /// The bytes of some outputs' rows.
    ///
    /// - Throws: A file that can't be read, or a zero point that isn't the middle where all
    ///   should be.
    func rows(_ range: Range<Int>) throws(GGUFError) -> [UInt8] {
        // Words and zero points come by several outputs.
        let length = matrix.wordLength
        let first = range.lowerBound / length * length
        let outputs = first..<(range.upperBound + length - 1) / length * length
        let tile = try tile(outputs)
        let count = matrix.rowByteCount
        let bytes: [UInt8]
        switch matrix.type {
        case .q4_0, .q4_1: bytes = tile.blocks()
        case .q8_0: bytes = tile.byteBlocks()
        default: bytes = tile.halves()
        }
        guard outputs != range else { return bytes }
        return Array(bytes[(range.lowerBound - first) * count..<(range.upperBound - first) * count])
    }

    private func tile(_ outputs: Range<Int>) throws(GGUFError) -> GroupedTile {
        let zeroPoints = try zeroPoints(outputs)
        let middle = matrix.quantization.middle
        if [.q4_0, .q8_0].contains(matrix.type),
            let part = matrix.zeroPoints,
            let other = zeroPoints.first(where: { $0 != middle })
        {
            throw GGUFError(
                path: files[part.file].path,
                problem: .invalidTensor(
                    name: part.tensor.name,
                    reason: "has the zero point \(other) instead of \(middle), though "
                        + "quantization_config says \"sym\". If the file is sound, set \"sym\" to false"
                )
            )
        }
        return GroupedTile(
            matrix: matrix,
            words: ordered(try words(outputs), outputCount: outputs.count),
            zeroPoints: zeroPoints,
            scales: try scales(outputs)
        )
    }

    /// `[groups, outputs]`.
    private func scales(_ outputs: Range<Int>) throws(GGUFError) -> [Float] {
        let part = matrix.scales
        guard !isByOutput else {
            let stored = FloatBytes.floats(try rows(part, outputs), type: part.tensor.type)
            return Self.transposed(stored, rowLength: matrix.groupCount)
        }
        let width = part.tensor.type.blockByteCount
        return FloatBytes.floats(
            try bytes(part, outputs.lowerBound * width..<outputs.upperBound * width),
            type: part.tensor.type
        )
    }

    /// Whether outputs are rows of the stored tensors.
    private var isByOutput: Bool { matrix.quantization.method == .compressedTensors }

    /// `[inputs / W, outputs]`: each of W consecutive inputs of an output.
    private func words(_ outputs: Range<Int>) throws(GGUFError) -> [UInt32] {
        let length = matrix.wordLength
        if isByOutput {
            let stored = Self.integers(try rows(matrix.quants, outputs))
            return Self.transposed(stored, rowLength: matrix.inputCount / length)
        }
        guard matrix.quantization.method == .awq else {
            return Self.integers(
                try bytes(matrix.quants, outputs.lowerBound * 4..<outputs.upperBound * 4)
            )
        }
        let stored = Self.integers(
            try bytes(
                matrix.quants,
                outputs.lowerBound / length * 4..<outputs.upperBound / length * 4
            )
        )
        let stride = outputs.count / length
        var words = [UInt32](repeating: 0, count: stored.count)
        for row in 0..<matrix.inputCount / length {
            for column in 0..<stride {
                var inputs = SIMD8<UInt32>()
                for input in 0..<length {
                    inputs[input] = stored[(row * length + input) * stride + column]
                }
                let transposed = NibbleWords.transposed(inputs)
                let place = (row * stride + column) * length
                for output in 0..<length { words[place + output] = transposed[output] }
            }
        }
        return words
    }

    /// Words of inputs in the matrix' order.
    private func ordered(_ words: [UInt32], outputCount: Int) -> [UInt32] {
        guard let order = matrix.order else { return words }
        let (length, mask) = (matrix.wordLength, matrix.quantization.mask)
        let bitCount = UInt32(matrix.quantization.bitCount)
        var ordered = [UInt32](repeating: 0, count: words.count)
        // Safety: both arrays have a row of `outputCount` words for each `length` inputs, which the
        // order's are.
        unsafe ordered.withUnsafeMutableBufferPointer { ordered in
            unsafe words.withUnsafeBufferPointer { words in
                for (place, input) in order.enumerated() {
                    let source = Int(input) / length * outputCount
                    let target = place / length * outputCount
                    let right = bitCount * UInt32(Int(input) % length)
                    let left = bitCount * UInt32(place % length)
                    for output in 0..<outputCount {
                        let number = unsafe words[source + output] &>> right & mask
                        unsafe ordered[target + output] |= number &<< left
                    }
                }
            }
        }
        return ordered
    }

    /// `[groups, outputs]`.
    private func zeroPoints(_ outputs: Range<Int>) throws(GGUFError) -> [UInt8] {
        let length = matrix.wordLength
        let count = matrix.groupCount
        guard let part = matrix.zeroPoints else {
            return Array(repeating: matrix.quantization.middle, count: count * outputs.count)
        }
        let range = outputs.lowerBound / length..<outputs.upperBound / length
        let words =
            isByOutput
            ? Self.transposed(Self.integers(try rows(part, range)), rowLength: count)
            : Self.integers(try bytes(part, range.lowerBound * 4..<range.upperBound * 4))
        let places: [UInt32] =
            matrix.quantization.method == .awq
            ? NibbleWords.interleavedPlaces : Array(0..<UInt32(length))
        let quantization = matrix.quantization
        let (offset, mask) = (UInt32(quantization.zeroPointOffset), quantization.mask)
        var zeroPoints: [UInt8] = []
        zeroPoints.reserveCapacity(words.count * length)
        for word in words {
            for place in places {
                let stored = word &>> (UInt32(quantization.bitCount) * place)
                zeroPoints.append(UInt8((stored &+ offset) & mask))
            }
        }
        return zeroPoints
    }

    /// Some rows of a stored matrix.
    private func rows(
        _ part: GroupedMatrix.Part,
        _ range: Range<Int>
    ) throws(GGUFError) -> [UInt8] {
        let rowByteCount = part.tensor.byteCount / part.tensor.shape[0]
        let start = part.tensor.fileOffset
        return try files[part.file].bytes(
            start + range.lowerBound * rowByteCount..<start + range.upperBound * rowByteCount
        )
    }

    /// The columns of a matrix one behind the other.
    private static func transposed<Element>(_ elements: [Element], rowLength: Int) -> [Element] {
        let rowCount = elements.count / rowLength
        return (0..<elements.count).map { elements[$0 % rowCount * rowLength + $0 / rowCount] }
    }

    /// The bytes `range` of each row of a stored matrix, row after row.
    private func bytes(
        _ part: GroupedMatrix.Part,
        _ range: Range<Int>
    ) throws(GGUFError) -> [UInt8] {
        let rowCount = part.tensor.shape[0]
        let rowByteCount = part.tensor.byteCount / rowCount
        let file = files[part.file]
        guard range != 0..<rowByteCount else {
            let start = part.tensor.fileOffset
            return try file.bytes(start..<start + part.tensor.byteCount)
        }
        var bytes = [UInt8](repeating: 0, count: rowCount * range.count)
        // Safety: each row gets a part of the array's own storage, for the time of the call.
        let failure = unsafe bytes.withUnsafeMutableBytes { buffer -> GGUFError? in
            for row in 0..<rowCount {
                let failure = unsafe file.read(
                    at: part.tensor.fileOffset + row * rowByteCount + range.lowerBound,
                    into: UnsafeMutableRawBufferPointer(
                        rebasing: buffer[row * range.count..<(row + 1) * range.count]
                    )
                )
                if let failure { return failure }
            }
            return nil
        }
        if let failure { throw failure }
        return bytes
    }

    private static func integers(_ bytes: [UInt8]) -> [UInt32] {
        // Safety: as many words are read as lie in the buffer; all bytes make one.
        unsafe bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map { index in
                UInt32(
                    littleEndian: unsafe raw.loadUnaligned(
                        fromByteOffset: 4 * index,
                        as: UInt32.self
                    )
                )
            }
        }
    }
}

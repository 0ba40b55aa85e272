import Tensors

/// Some outputs of a `GroupedMatrix`: their numbers, zero points and scales.
struct GroupedTile {
    let matrix: GroupedMatrix
    /// `[inputs / W, outputs]`: each of W consecutive inputs of an output, in the matrix' order, the
    /// lowest bits first.
    let words: [UInt32]
    /// `[groups, outputs]`.
    let zeroPoints: [UInt8]
    /// `[groups, outputs]`.
    let scales: [Float]

    private var outputCount: Int { scales.count / matrix.groupCount }

    /// The rows in blocks of `Q4_0` or `Q4_1`: the scale, with `Q4_1` the minimum, then 16 bytes, of
    /// which byte i has number i in its low and number i + 16 in its high nibble.
    func blocks() -> [UInt8] {
        let (outputCount, rowByteCount) = (outputCount, matrix.rowByteCount)
        let hasMinimums = matrix.type == .q4_1
        let (blockByteCount, headLength) = (matrix.type.blockByteCount, hasMinimums ? 4 : 2)
        let wordsPerBlock = GroupedMatrix.blockLength / matrix.wordLength
        var bytes = [UInt8](repeating: 0, count: outputCount * rowByteCount)
        // Safety: a row has `rowByteCount` bytes, a whole number of blocks, and each block is
        // written within its own.
        unsafe bytes.withUnsafeMutableBytes { buffer in
            for block in 0..<matrix.inputCount / GroupedMatrix.blockLength {
                let group = block * GroupedMatrix.blockLength / matrix.groupLength * outputCount
                let first = block * wordsPerBlock * outputCount
                for output in 0..<outputCount {
                    let scale = Float16(scales[group + output])
                    let place = output * rowByteCount + block * blockByteCount
                    unsafe buffer.storeBytes(
                        of: scale.bitPattern.littleEndian,
                        toByteOffset: place,
                        as: UInt16.self
                    )
                    if hasMinimums {
                        let minimum = Float16(-Float(scale) * Float(zeroPoints[group + output]))
                        unsafe buffer.storeBytes(
                            of: minimum.bitPattern.littleEndian,
                            toByteOffset: place + 2,
                            as: UInt16.self
                        )
                    }
                    for half in 0..<2 {
                        let low = words[first + half * outputCount + output]
                        let high = words[first + (half + 2) * outputCount + output]
                        let quants = NibbleWords.bytes(low) | NibbleWords.bytes(high) &<< 4
                        unsafe buffer.storeBytes(
                            of: quants.littleEndian,
                            toByteOffset: place + headLength + 8 * half,
                            as: UInt64.self
                        )
                    }
                }
            }
        }
        return bytes
    }

    /// The rows in blocks of `Q8_0`: the scale, then each number less 128.
    func byteBlocks() -> [UInt8] {
        let (outputCount, rowByteCount) = (outputCount, matrix.rowByteCount)
        let blockByteCount = matrix.type.blockByteCount
        let wordsPerBlock = GroupedMatrix.blockLength / matrix.wordLength
        var bytes = [UInt8](repeating: 0, count: outputCount * rowByteCount)
        // Safety: as above.
        unsafe bytes.withUnsafeMutableBytes { buffer in
            for block in 0..<matrix.inputCount / GroupedMatrix.blockLength {
                let group = block * GroupedMatrix.blockLength / matrix.groupLength * outputCount
                for output in 0..<outputCount {
                    let place = output * rowByteCount + block * blockByteCount
                    unsafe buffer.storeBytes(
                        of: Float16(scales[group + output]).bitPattern.littleEndian,
                        toByteOffset: place,
                        as: UInt16.self
                    )
                    for row in 0..<wordsPerBlock {
                        let word = words[(block * wordsPerBlock + row) * outputCount + output]
                        unsafe buffer.storeBytes(
                            of: (word ^ 0x8080_8080).littleEndian,
                            toByteOffset: place + 2 + 4 * row,
                            as: UInt32.self
                        )
                    }
                }
            }
        }
        return bytes
    }

    /// The rows as half floats, each the nearest to its weight.
    func halves() -> [UInt8] {
        let (outputCount, inputCount) = (outputCount, matrix.inputCount)
        let groups =
            matrix.scatteredGroups?.map { Int($0) * outputCount }
            ?? (0..<inputCount).map { $0 / matrix.groupLength * outputCount }
        var halves = [UInt16](repeating: 0, count: outputCount * inputCount)
        let (mask, bitCount) = (matrix.quantization.mask, UInt32(matrix.quantization.bitCount))
        for row in 0..<inputCount / matrix.wordLength {
            for output in 0..<outputCount {
                var word = words[row * outputCount + output]
                let start = row * matrix.wordLength
                for input in start..<start + matrix.wordLength {
                    let group = groups[input] + output
                    let number = Int32(truncatingIfNeeded: word & mask) - Int32(zeroPoints[group])
                    let half = Float16(scales[group] * Float(number))
                    halves[output * inputCount + input] = half.bitPattern.littleEndian
                    word &>>= bitCount
                }
            }
        }
        // Safety: the bytes are copied while they are lent.
        return unsafe halves.withUnsafeBytes { unsafe Array($0) }
    }
}

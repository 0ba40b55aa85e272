import Tensors

/// Some outputs of a `GroupedMatrix`: their numbers, zero points and scales.
struct GroupedTile {
    let matrix: GroupedMatrix
    /// `[inputs / 8, outputs]`: each of eight consecutive inputs of an output, the lowest bits first.
    let words: [UInt32]
    /// `[groups, outputs]`, from 0 to 15.
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
        let wordsPerBlock = GroupedMatrix.blockLength / GroupedMatrix.wordLength
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

    /// The rows as half floats, each the nearest to its weight.
    func halves() -> [UInt8] {
        let (outputCount, inputCount) = (outputCount, matrix.inputCount)
        let groups =
            matrix.scatteredGroups?.map { Int($0) * outputCount }
            ?? (0..<inputCount).map { $0 / matrix.groupLength * outputCount }
        var halves = [UInt16](repeating: 0, count: outputCount * inputCount)
        for row in 0..<inputCount / GroupedMatrix.wordLength {
            for output in 0..<outputCount {
                var word = words[row * outputCount + output]
                let start = row * GroupedMatrix.wordLength
                for input in start..<start + GroupedMatrix.wordLength {
                    let group = groups[input] + output
                    let number = Int32(truncatingIfNeeded: word & 15) - Int32(zeroPoints[group])
                    let half = Float16(scales[group] * Float(number))
                    halves[output * inputCount + input] = half.bitPattern.littleEndian
                    word &>>= 4
                }
            }
        }
        // Safety: the bytes are copied while they are lent.
        return unsafe halves.withUnsafeBytes { unsafe Array($0) }
    }
}

/// Words of eight numbers of 4 bits.
enum NibbleWords {
    /// Which of the nibbles 0 to 7 of a word of AWQ belongs to each of eight outputs.
    static let interleavedPlaces: [UInt32] = [0, 4, 1, 5, 2, 6, 3, 7]

    /// The nibbles of a word as bytes, the lowest first.
    @inline(__always)
    static func bytes(_ word: UInt32) -> UInt64 {
        var spread = UInt64(word)
        spread = (spread | spread &<< 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread &<< 8) & 0x00FF_00FF_00FF_00FF
        return (spread | spread &<< 4) & 0x0F0F_0F0F_0F0F_0F0F
    }

    /// Turns words of AWQ, each of eight outputs of one input, into words of eight inputs of an output.
    ///
    /// - Parameter words: Those of eight consecutive inputs.
    /// - Returns: Those of eight consecutive outputs.
    @inline(__always)
    static func transposed(_ words: SIMD8<UInt32>) -> SIMD8<UInt32> {
        // A matrix of 8 · 8 nibbles is transposed by swapping its quarters, theirs, and theirs.
        let (a, b) = swapped(words.lowHalf, words.highHalf, shift: 16, mask: 0x0000_FFFF)
        let (c, d) = swapped(
            SIMD4(lowHalf: a.lowHalf, highHalf: b.lowHalf),
            SIMD4(lowHalf: a.highHalf, highHalf: b.highHalf),
            shift: 8,
            mask: 0x00FF_00FF
        )
        // Of the words 0, 1, 4, 5 and 2, 3, 6, 7 neighbours swap.
        let (even, odd) = swapped(
            SIMD4(lowHalf: c.evenHalf, highHalf: d.evenHalf),
            SIMD4(lowHalf: c.oddHalf, highHalf: d.oddHalf),
            shift: 4,
            mask: 0x0F0F_0F0F
        )
        // Nibbles 0, 4, 2, 6 in `even` are outputs 0, 1, 4, 5; 1, 5, 3, 7 in `odd` are 2, 3, 6, 7.
        return SIMD8(
            lowHalf: SIMD4(lowHalf: even.lowHalf, highHalf: odd.lowHalf),
            highHalf: SIMD4(lowHalf: even.highHalf, highHalf: odd.highHalf)
        )
    }

    /// Swaps the upper parts of the first words with the lower parts of the second ones.
    @inline(__always)
    private static func swapped(
        _ first: SIMD4<UInt32>,
        _ second: SIMD4<UInt32>,
        shift: UInt32,
        mask: UInt32
    ) -> (SIMD4<UInt32>, SIMD4<UInt32>) {
        let difference = ((first &>> shift) ^ second) & SIMD4(repeating: mask)
        return (first ^ (difference &<< shift), second ^ difference)
    }
}

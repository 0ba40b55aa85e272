/// Random numbers as a pure function of (seed, position, draw): Philox4x32-10.
///
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). There
/// is no state to carry along, so a sequence draws the same numbers alone, in any batch, and
/// after it was preempted and computed again.
enum Philox {
    /// The four words for one counter and key.
    static func words(counter: SIMD4<UInt32>, key: (UInt32, UInt32)) -> SIMD4<UInt32> {
        var words = counter
        var (key0, key1) = key
        for _ in 0..<10 {
            let product0 = UInt64(words[0]) * 0xD251_1F53
            let product1 = UInt64(words[2]) * 0xCD9E_8D57
            words = SIMD4(
                UInt32(truncatingIfNeeded: product1 >> 32) ^ words[1] ^ key0,
                UInt32(truncatingIfNeeded: product1),
                UInt32(truncatingIfNeeded: product0 >> 32) ^ words[3] ^ key1,
                UInt32(truncatingIfNeeded: product0)
            )
            key0 &+= 0x9E37_79B9
            key1 &+= 0xBB67_AE85
        }
        return words
    }

    /// A number in 0..<1 with 53 random bits, for one draw at one position of a sequence.
    static func uniform(seed: UInt64, position: Int, draw: UInt32 = 0) -> Double {
        let counter = UInt64(truncatingIfNeeded: position)
        let words = words(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: counter),
                UInt32(truncatingIfNeeded: counter >> 32),
                draw,
                0
            ),
            key: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        )
        let bits = UInt64(words[0]) << 32 | UInt64(words[1])
        return Double(bits >> 11) * 0x1p-53
    }
}

/// The hash function SHA-256 of FIPS 180-4, for short messages.
///
/// Keys are hashed with it, not files: it takes a whole message and is not tuned for length.
package enum SHA256 {
    /// Bytes of a digest.
    package static let byteCount = 32
    /// Bytes of a block, which HMAC pads keys to.
    static let blockByteCount = 64

    /// The digest of a message, 32 bytes.
    package static func digest(_ message: [UInt8]) -> [UInt8] {
        var state = initialState
        let padded = message + padding(for: message.count)
        var schedule = [UInt32](repeating: 0, count: 64)
        for start in stride(from: 0, to: padded.count, by: blockByteCount) {
            compress(padded, from: start, into: &state, schedule: &schedule)
        }
        return state.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        }
    }

    /// §5.1.1: a one bit, zeros, and the length in bits as 64 bits.
    private static func padding(for count: Int) -> [UInt8] {
        let zeros = (blockByteCount - (count + 9) % blockByteCount) % blockByteCount
        let bits = UInt64(count) * 8
        return [0x80] + [UInt8](repeating: 0, count: zeros)
            + (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
    }

    /// §6.2.2.
    private static func compress(
        _ bytes: [UInt8],
        from start: Int,
        into state: inout [UInt32],
        schedule: inout [UInt32]
    ) {
        for index in 0..<16 {
            let place = start + 4 * index
            schedule[index] = bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
        for index in 16..<64 {
            let early = schedule[index - 15]
            let late = schedule[index - 2]
            let small0 = rotated(early, 7) ^ rotated(early, 18) ^ early >> 3
            let small1 = rotated(late, 17) ^ rotated(late, 19) ^ late >> 10
            schedule[index] = small1 &+ schedule[index - 7] &+ small0 &+ schedule[index - 16]
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for index in 0..<64 {
            let large1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
            let choice = e & f ^ ~e & g
            let first = h &+ large1 &+ choice &+ constants[index] &+ schedule[index]
            let large0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
            let majority = a & b ^ a & c ^ b & c
            (h, g, f, e) = (g, f, e, d &+ first)
            (d, c, b, a) = (c, b, a, first &+ large0 &+ majority)
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
    }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word >> count | word << (32 - count)
    }

    /// §5.3.3: the fractional parts of the square roots of the first eight primes.
    private static let initialState: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
        0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]

    /// §4.2.2: the fractional parts of the cube roots of the first sixty-four primes.
    private static let constants: [UInt32] = primes.map { prime in
        fraction(ofCubeRootOf: prime)
    }

    private static let primes: [UInt64] = (2...311).filter { number in
        (2..<number).allSatisfy { number % $0 != 0 }
    }

    /// The first 32 bits behind the point, found bit by bit: the root is at most 32 bits behind it
    /// and below 7, so its cube times 2^96 needs 128 bits.
    private static func fraction(ofCubeRootOf prime: UInt64) -> UInt32 {
        let target = UInt128(prime) << 96
        var root: UInt128 = 0
        for bit in (0..<35).reversed() {
            let candidate = root | 1 << UInt128(bit)
            if candidate * candidate * candidate <= target { root = candidate }
        }
        return UInt32(truncatingIfNeeded: root)
    }
}

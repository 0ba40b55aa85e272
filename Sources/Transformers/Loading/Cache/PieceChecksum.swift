import Platform

/// A checksum that finds damage, and is as fast as memory is.
///
/// Against accidents only: whoever can write the file can also make the sum fit.
enum PieceChecksum {
    /// About how many bytes of a matrix have a sum of their own.
    static let pieceByteCount = 1 << 20

    /// The ranges of the pieces of so many bytes.
    static func pieces(of byteCount: Int) -> [Range<Int>] {
        stride(from: 0, to: byteCount, by: pieceByteCount).map {
            $0..<min($0 + pieceByteCount, byteCount)
        }
    }

    /// The sum of bytes: any change within one word of eight bytes changes it.
    ///
    /// ``FNV1a`` over words in place of bytes, in four chains side by side; the last bytes, which are
    /// no four words, count one by one.
    static func value(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        let (basis, prime) = (FNV1a.basis, FNV1a.prime)
        var (a, b, c, d) = (basis, basis &+ 1, basis &+ 2, basis &+ 3)
        let whole = bytes.count / 32 * 32
        func word(_ offset: Int) -> UInt64 {
            // Safety: all words asked for end at `whole` at the latest.
            unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
        for offset in stride(from: 0, to: whole, by: 32) {
            a = (a ^ word(offset)) &* prime
            b = (b ^ word(offset + 8)) &* prime
            c = (c ^ word(offset + 16)) &* prime
            d = (d ^ word(offset + 24)) &* prime
        }
        for index in whole..<bytes.count {
            // Safety: the index is one of the bytes'.
            unsafe a = (a ^ UInt64(bytes[index])) &* prime
        }
        return [b, c, d, UInt64(bytes.count)].reduce(a) { ($0 ^ $1) &* prime }
    }
}

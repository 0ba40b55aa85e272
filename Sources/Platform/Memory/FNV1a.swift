/// FNV-1a in 64 bits (http://www.isthe.com/chongo/tech/comp/fnv): tells bytes apart that nobody has
/// made to look alike.
package enum FNV1a {
    /// What a sum begins with.
    package static let basis: UInt64 = 0xcbf2_9ce4_8422_2325
    /// What a sum is multiplied by for each byte that was mixed in.
    package static let prime: UInt64 = 0x0000_0100_0000_01b3

    /// The sum of bytes.
    ///
    /// - Parameters:
    ///   - bytes: Borrowed.
    ///   - sum: That of the bytes in front of them, if there are some.
    /// - Returns: That of all of them.
    package static func sum(of bytes: UnsafeRawBufferPointer, after sum: UInt64 = basis) -> UInt64 {
        unsafe bytes.reduce(sum) { ($0 ^ UInt64($1)) &* prime }
    }

    /// The sum of a text's UTF-8.
    package static func sum(of text: String) -> UInt64 {
        // Safety: the array outlives the call, which only reads it.
        unsafe Array(text.utf8).withUnsafeBytes { unsafe sum(of: $0) }
    }
}

/// The identity of a prefix of whole KV blocks: 128 bits that depend on every token in order.
///
/// A chain: the hash of a prefix follows from the hash of the prefix that is a block shorter. It is
/// for looking up only. Whoever finds a block by it compares the tokens, so a collision can never
/// mix up two prefixes; it must just be rare.
package struct PrefixHash: Hashable, Sendable {
    private var high: UInt64
    private var low: UInt64

    /// The empty prefix in a namespace.
    package init(namespace: Int32) {
        high = 0x9AE1_6A3B_2F90_404F ^ UInt64(truncatingIfNeeded: namespace)
        low = 0xC3A5_C85C_97CB_3127
    }

    /// The prefix that goes on with these tokens.
    package func appending(_ tokens: ArraySlice<Int32>) -> PrefixHash {
        var hash = self
        for token in tokens { hash.mix(UInt64(UInt32(bitPattern: token))) }
        return hash
    }

    /// Multiplies by odd constants and folds the upper half of each product back (the halves of a
    /// 128-bit product spread every bit of a factor); the two lanes feed one another.
    private mutating func mix(_ value: UInt64) {
        let first = (low ^ value).multipliedFullWidth(by: 0x9FB2_1C65_1E98_DF25)
        let second = (high &+ value).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        low = second.high ^ first.low &+ 0x2545_F491_4F6C_DD1D
        high = first.high ^ second.low
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(low) }
}

import Synchronization

/// The masks of a vocabulary's text slices, made when they are first needed: few, since most
/// grammars want the same.
///
/// Safe from any thread; the masks are behind a lock.
final class SliceMasks: Sendable {
    private struct Key: Hashable {
        let slice: TextSlice
        let maximumByteCount: Int
    }

    /// What slices look at in each token: its categories in the low half, then the numbers of its
    /// characters and of its bytes, with a free bit above each.
    private let texts: [UInt64]
    private let masks = Mutex<[Key: TokenMask]>([:])

    /// Masks kept, each with a bit for every token.
    private static let capacity = 64
    private static let highestCount = 0x7FFF
    private static let freeBits: UInt64 = 0x8000_8000_0000_0000

    /// Reads the tokens.
    ///
    /// - Parameters:
    ///   - tokens: The bytes of each.
    ///   - isControl: Whether it is no text.
    init(tokens: some Sequence<ArraySlice<UInt8>>, isControl: [Bool]) {
        texts = zip(tokens, isControl).map { bytes, isControl in
            var reader = TextCategories.Reader()
            for byte in bytes { reader.read(byte) }
            let isText = !isControl && !bytes.isEmpty
            return UInt64(isText ? reader.categories : TextCategories.malformed)
                | Self.counts(reader.characterCount, bytes.count)
        }
    }

    private static func counts(_ characterCount: Int, _ byteCount: Int) -> UInt64 {
        UInt64(min(characterCount, highestCount)) << 32
            | UInt64(min(byteCount, highestCount)) << 48
    }

    /// The tokens that a slice allows, of up to some number of bytes.
    ///
    /// - Complexity: O(1) if it is known, otherwise O(n) in the tokens.
    func mask(of slice: TextSlice, maximumByteCount: Int) -> TokenMask {
        let key = Key(slice: slice, maximumByteCount: maximumByteCount)
        if let known = masks.withLock({ $0[key] }) { return known }
        let others = UInt64(~slice.categories)
        let limits = Self.freeBits | Self.counts(slice.maximumCharacterCount, maximumByteCount)
        var mask = TokenMask(count: texts.count)
        let all = texts
        let texts = all.span
        for word in mask.words.indices {
            var bits: UInt64 = 0
            for token in word << 6..<min(word << 6 + 64, texts.count) {
                // A count beyond its limit borrows the free bit above.
                let text = texts[token]
                let excess = ~(limits - (text & ~0xFFFF_FFFF)) & Self.freeBits
                bits |= (text & others | excess == 0 ? 1 : 0) << UInt64(token & 63)
            }
            mask.words[word] = bits
        }
        masks.withLock { masks in
            if masks.count >= Self.capacity { masks = [:] }
            masks[key] = mask
        }
        return mask
    }
}

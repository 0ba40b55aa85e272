/// SentencePiece's `precompiled_charsmap`: which sequences of characters become which others.
///
/// A double array that is walked byte by byte (the layout of the Darts-clone library): each node is 32
/// bits that hold the byte which leads to it (bits 0–7), whether a sequence ends here (bit 8), and where
/// its children are (bits 10–30, in units of 256 if bit 9 is set); the node of an end holds the place
/// of the replacement, which ends with a zero byte. Immutable.
struct CharacterMap: Sendable {
    private let nodes: [UInt32]
    /// All replacements, one behind the other, each followed by a zero byte.
    let replacements: [UInt8]

    /// Takes apart what a file holds: the byte count of the nodes, the nodes, the replacements.
    ///
    /// - Returns: nil if the lengths don't fit.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4 else { return nil }
        func word(_ offset: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
        }
        let count = Int(word(0))
        guard count % 4 == 0, count <= bytes.count - 4 else { return nil }
        nodes = stride(from: 4, to: 4 + count, by: 4).map(word)
        replacements = Array(bytes[(4 + count)...])
        // So that every replacement within ends.
        guard nodes.isEmpty || replacements.last == 0 else { return nil }
    }

    /// The longest sequence that starts at `text[position]`, where it ends, and where its replacement
    /// lies.
    func longestMatch(
        _ text: [UInt8],
        at position: Int,
        end: Int
    ) -> (end: Int, replacement: Range<Int>)? {
        guard let root = nodes.first else { return nil }
        var best: (end: Int, replacement: Range<Int>)?
        var place = Self.offset(root)
        var index = position
        while index < end {
            let byte = UInt32(text[index])
            place ^= Int(byte)
            // What a damaged array points at outside of itself is no match.
            guard byte != 0, place < nodes.count, nodes[place] & 0x8000_00FF == byte else { break }
            let node = nodes[place]
            place ^= Self.offset(node)
            index += 1
            if node >> 8 & 1 == 1, place < nodes.count,
                let replacement = replacement(at: Int(nodes[place] & 0x7FFF_FFFF))
            {
                best = (index, replacement)
            }
        }
        return best
    }

    private func replacement(at start: Int) -> Range<Int>? {
        guard start < replacements.count else { return nil }
        var end = start
        while end < replacements.count, replacements[end] != 0 { end += 1 }
        return start..<end
    }

    private static func offset(_ node: UInt32) -> Int {
        Int(node >> 10) << Int((node & 0x200) >> 6)
    }
}

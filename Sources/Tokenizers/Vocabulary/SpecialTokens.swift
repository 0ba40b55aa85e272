/// The tokens that are found in text as a whole, before anything is split or merged.
///
/// User-defined tokens are found anywhere, control tokens in trusted text only. Of several that
/// start at the same place the longest wins.
struct SpecialTokens: Sendable {
    private let prefixes: PiecePrefixes
    private let trustedOnly: Set<TokenID>
    private let swallowsBlanks: Set<TokenID>

    /// `tokens` are numbers in `pieces`; empty strings are left out.
    ///
    /// Blanks behind tokens of `swallowsBlanks` belong to them.
    init(
        _ tokens: [(token: TokenID, needsTrust: Bool)],
        pieces: PieceList,
        swallowsBlanks: Set<TokenID> = []
    ) {
        self.swallowsBlanks = swallowsBlanks
        prefixes = PiecePrefixes(tokens.lazy.map(\.token), pieces: pieces)
        trustedOnly = Set(tokens.lazy.filter(\.needsTrust).map(\.token))
    }

    /// The longest token that starts at `text[position]` and where it ends.
    ///
    /// Tokens that need trust must end by `trustedEnd`, the others by `end`.
    func longestMatch(
        _ text: [UInt8],
        at position: Int,
        trustedEnd: Int,
        end: Int,
        pieces: PieceList
    ) -> (token: TokenID, end: Int)? {
        var best: (token: TokenID, end: Int)?
        prefixes.forEach(text, at: position, end: end, pieces: pieces) { token, tokenEnd in
            // Of two tokens with the same text the first one counts.
            guard best?.end != tokenEnd else { return }
            if tokenEnd <= trustedEnd || !trustedOnly.contains(token) { best = (token, tokenEnd) }
        }
        if let match = best, swallowsBlanks.contains(match.token) {
            best?.end = text[match.end..<end].firstIndex { !Self.isBlank($0) } ?? end
        }
        return best
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte)
    }
}

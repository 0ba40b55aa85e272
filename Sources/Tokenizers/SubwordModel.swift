/// How the text between special tokens becomes tokens: a vocabulary with the rules of its kind.
///
/// Immutable and safe from any thread.
protocol SubwordModel: Sendable {
    /// The bytes that each token adds to a text; for control tokens those of their names.
    var pieces: PieceList { get }

    /// Makes what encodes one text.
    func makeEncoder() -> any SubwordEncoder
}

/// Turns the stretches of one text that lie between special tokens into tokens.
///
/// Confined to one call of `Tokenizer.encode`; free to keep scratch memory from one stretch to the
/// next.
protocol SubwordEncoder {
    /// Appends the tokens of `text[range]`, which isn't empty, and starts at the begin of the text or
    /// behind a special token.
    mutating func encode(_ text: [UInt8], _ range: Range<Int>, into output: inout [TokenID])
}

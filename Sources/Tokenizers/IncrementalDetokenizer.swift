/// Turns tokens into text as they come, without ever splitting a character: bytes that may still
/// become one are held back.
///
/// What can't is replaced by U+FFFD, as `String(decoding:)` does.
///
/// A value: confined to whoever generates.
package struct IncrementalDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let includesControlTokens: Bool
    private var pending: [UInt8] = []

    /// Starts at the begin of a text.
    ///
    /// Control tokens give no text unless wanted.
    package init(tokenizer: Tokenizer, controlTokens: Bool = false) {
        self.tokenizer = tokenizer
        includesControlTokens = controlTokens
    }

    /// Takes one more token.
    ///
    /// The result is whole UTF-8 sequences, or empty while a character isn't complete.
    package mutating func append(_ token: TokenID) -> [UInt8] {
        if tokenizer.isControl(token) && !includesControlTokens { return [] }
        pending.append(contentsOf: tokenizer.bytes(of: token))
        return UTF8Repair.takeComplete(from: &pending)
    }

    /// Ends the text: an incomplete character becomes U+FFFD.
    package mutating func finish() -> [UInt8] {
        guard !pending.isEmpty else { return [] }
        pending.removeAll()
        return UTF8Repair.replacement
    }
}

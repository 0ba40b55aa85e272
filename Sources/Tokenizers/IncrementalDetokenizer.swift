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
    /// Whether the next token's first space is one that encoding put there.
    private var dropsSpace: Bool

    /// Starts at the begin of a text, or within one.
    ///
    /// - Parameters:
    ///   - tokenizer: The vocabulary.
    ///   - controlTokens: Whether control tokens show, by their names; else they give no text.
    ///   - continuesText: Whether text goes before the first token: then a space in front of it is
    ///     part of the text.
    package init(
        tokenizer: Tokenizer,
        controlTokens: Bool = false,
        continuesText: Bool = false
    ) {
        self.tokenizer = tokenizer
        includesControlTokens = controlTokens
        dropsSpace = !continuesText && tokenizer.spacePrefix != .never
    }

    /// Takes one more token.
    ///
    /// The result is whole UTF-8 sequences, or empty while a character isn't complete.
    package mutating func append(_ token: TokenID) -> [UInt8] {
        if tokenizer.isControl(token) && !includesControlTokens { return [] }
        var bytes = tokenizer.bytes(of: token)[...]
        switch tokenizer.role(of: token) {
        case .text:
            if dropsSpace, bytes.first == UInt8(ascii: " ") { bytes = bytes.dropFirst() }
            dropsSpace = false
        case .byte:
            dropsSpace = false
        case .special:
            // Behind a token that shows as it is, text starts anew.
            dropsSpace = tokenizer.spacePrefix == .atStretches
        }
        pending.append(contentsOf: bytes)
        return UTF8Repair.takeComplete(from: &pending)
    }

    /// Ends the text: an incomplete character becomes U+FFFD.
    package mutating func finish() -> [UInt8] {
        guard !pending.isEmpty else { return [] }
        pending.removeAll()
        return UTF8Repair.replacement
    }
}

/// A token's type, numbered as in `tokenizer.ggml.token_type`.
enum TokenType: UInt8, Sendable {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
}

/// What a token is to a text that is put together again.
enum TokenRole: Sendable {
    /// A part of the text, which may begin with a space that encoding put there.
    case text
    /// A byte of a character that has no token of its own.
    case byte
    /// A control token or a user's: it shows as it is, if it does.
    case special

    init(_ type: TokenType) {
        self =
            switch type {
            case .normal, .unused: .text
            case .byte: .byte
            case .unknown, .control, .userDefined: .special
            }
    }
}

import ModelFiles

/// Tokens like `<0x0A>`, which stand for a single byte where a vocabulary of characters has no other.
enum ByteToken {
    /// The byte that a token's text names, if it names one.
    static func byte(_ text: ArraySlice<UInt8>) -> UInt8? {
        guard text.count == 6, text.starts(with: "<0x".utf8), text.last == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: text.dropFirst(3).dropLast(), as: UTF8.self), radix: 16)
    }

    /// The token of each byte; -1 where the vocabulary has none.
    static func tokens(
        _ tokens: StringTable,
        _ types: [TokenType]
    ) throws(TokenizerError) -> [TokenID] {
        var result = [TokenID](repeating: -1, count: 256)
        for index in types.indices where types[index] == .byte {
            guard let byte = byte(tokens.bytes[tokens.byteRange(at: index)]) else {
                throw .invalidByteToken(token: TokenID(index), text: tokens[index])
            }
            if result[Int(byte)] < 0 { result[Int(byte)] = TokenID(index) }
        }
        return result
    }
}

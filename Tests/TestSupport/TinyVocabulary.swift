/// The vocabulary of `TinyModel`: all 256 bytes, some merges and three control tokens.
package enum TinyVocabulary {
    /// The merges, in order of rank, written in the byte alphabet.
    package static let merges = [
        "Ġ t", "h e", "i n", "Ġ a", "r e", "o n", "Ġt he", "e r", "Ġ s", "a t", "o r", "e n",
        "Ġ w", "o u", "in g", "i s", "Ġ o", "l l", "h i", "u s", "us er", "Ġ Ġ", "he ll",
        "hell o", "Ġ hello", "ĠĠ ĠĠ", "a s", "as s", "ass is", "a n", "t an", "assis tan",
        "assistan t", "y s", "s ys", "t e", "sys te", "syste m", "Ċ Ċ",
    ]

    /// The tokens: bytes in their order, then the merges' results, then the control tokens.
    package static let tokens: [String] =
        byteTokens + merges.map { $0.filter { $0 != " " } } + controlTokens

    /// The last three tokens.
    package static let controlTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

    /// Token 0 is byte 0, and so on.
    private static let byteTokens: [String] = {
        var tokens: [String] = []
        var next: UInt32 = 0x100
        for byte: UInt32 in 0...255 {
            var value = byte
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: break
            default:
                value = next
                next += 1
            }
            tokens.append(Unicode.Scalar(value).map(String.init) ?? "")
        }
        return tokens
    }()

    static func addMetadata(to writer: inout GGUFWriter) {
        let count = tokens.count
        let firstControl = count - controlTokens.count
        writer.set("tokenizer.ggml.model", .string("gpt2"))
        writer.set("tokenizer.ggml.pre", .string("qwen2"))
        writer.set("tokenizer.ggml.tokens", .strings(tokens))
        writer.set(
            "tokenizer.ggml.token_type",
            .int32s((0..<count).map { $0 < firstControl ? 1 : 3 })
        )
        writer.set("tokenizer.ggml.merges", .strings(merges))
        writer.set("tokenizer.ggml.bos_token_id", .uint32(UInt32(firstControl)))
        writer.set("tokenizer.ggml.eos_token_id", .uint32(UInt32(count - 1)))
        writer.set("tokenizer.ggml.padding_token_id", .uint32(UInt32(firstControl)))
        writer.set("tokenizer.ggml.add_bos_token", .bool(false))
    }
}

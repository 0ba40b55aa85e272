/// The alphabet in which byte-level vocabularies write bytes, GPT-2's: each byte is one printable
/// character.
///
/// Printable Latin-1 bytes are themselves, the other 68 are the characters from U+0100 on in the
/// bytes' order (so a space is U+0120, "Ġ").
///
/// Source: `bytes_to_unicode` in https://github.com/openai/gpt-2/blob/master/src/encoder.py
enum ByteAlphabet {
    /// The byte of each character below U+0144; -1 for characters outside of the alphabet.
    private static let byteOfCharacter: [Int16] = {
        var table = [Int16](repeating: -1, count: 0x144)
        var next = 0x100
        for byte in 0...255 {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                table[byte] = Int16(byte)
            default:
                table[next] = Int16(byte)
                next += 1
            }
        }
        return table
    }()

    /// Appends the bytes that `text` stands for.
    ///
    /// If `text` has a character outside of the alphabet, it isn't written in it: then it stands
    /// for itself.
    ///
    /// - Returns: whether the text is written in the alphabet.
    @discardableResult
    static func appendBytes(of text: ArraySlice<UInt8>, to output: inout [UInt8]) -> Bool {
        let start = output.count
        let table = byteOfCharacter
        var index = text.startIndex
        while index < text.endIndex {
            var character = Int(text[index])
            index += 1
            if character >= 0xC2, character <= 0xC5, index < text.endIndex,
                text[index] & 0xC0 == 0x80
            {
                character = (character & 0x1F) << 6 | Int(text[index] & 0x3F)
                index += 1
            } else if character >= 0x80 {
                character = table.count
            }
            guard character < table.count, table[character] >= 0 else {
                output.removeSubrange(start...)
                output.append(contentsOf: text)
                return false
            }
            output.append(UInt8(truncatingIfNeeded: table[character]))
        }
        return true
    }
}

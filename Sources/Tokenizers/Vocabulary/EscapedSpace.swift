/// `▁` (U+2581), which vocabularies write for a space.
enum EscapedSpace {
    static let bytes: [UInt8] = [0xE2, 0x96, 0x81]

    /// Appends `text` with a space for each `▁`.
    static func appendUnescaped(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
        var index = text.startIndex
        while index < text.endIndex {
            if isEscape(text, at: index) {
                output.append(UInt8(ascii: " "))
                index += bytes.count
            } else {
                output.append(text[index])
                index += 1
            }
        }
    }

    private static func isEscape(_ text: ArraySlice<UInt8>, at index: Int) -> Bool {
        text[index] == bytes[0] && index + 2 < text.endIndex && text[index + 1] == bytes[1]
            && text[index + 2] == bytes[2]
    }
}

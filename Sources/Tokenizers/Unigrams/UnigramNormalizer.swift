/// What SentencePiece does with text before a unigram vocabulary sees it: characters are mapped, runs
/// of blanks become one or none, and a space comes in front.
struct UnigramNormalizer: Sendable {
    /// Which characters become others; nil: all stay.
    var characterMap: CharacterMap?
    /// Whether a text without a space in front gets one.
    var addsSpacePrefix = true
    /// Whether each word is preceded by exactly one space and the text ends without any.
    var removesExtraSpaces = false

    /// Appends the normal form of `source[range]`, which is UTF-8.
    func append(_ source: [UInt8], _ range: Range<Int>, to output: inout [UInt8]) {
        var writer = Writer(normalizer: self)
        var normal: [UInt8] = []
        var position = range.lowerBound
        while position < range.upperBound {
            if let map = characterMap,
                let match = map.longestMatch(source, at: position, end: range.upperBound)
            {
                writer.append(map.replacements[match.replacement], to: &normal)
                position = match.end
            } else {
                let length = UTF8Repair.sequenceLength(source[position])
                let end = min(position + length, range.upperBound)
                writer.append(source[position..<end], to: &normal)
                position = end
            }
        }
        // A `▁` in the text is no blank to the writer, but reads as one to the vocabulary.
        EscapedSpace.appendUnescaped(normal[...], to: &output)
    }

    /// Decides about spaces.
    private struct Writer {
        let normalizer: UnigramNormalizer
        var hasPrefix = false
        var isInWord = false

        mutating func append(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
            for byte in bytes {
                guard byte != UInt8(ascii: " ") else {
                    isInWord = false
                    if !normalizer.removesExtraSpaces { output.append(byte) }
                    continue
                }
                if !isInWord {
                    isInWord = true
                    if normalizer.removesExtraSpaces || normalizer.addsSpacePrefix && !hasPrefix {
                        output.append(UInt8(ascii: " "))
                        hasPrefix = true
                    }
                }
                output.append(byte)
            }
        }
    }
}

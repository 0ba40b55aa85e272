// Python counts and cuts strings by code points; these are the same operations on UTF-8.
extension MarkedText {
    /// The number of code points.
    var scalarCount: Int {
        var total = 0
        for byte in bytes where byte & 0xC0 != 0x80 { total += 1 }
        return total
    }

    /// The byte offset of each code point and, last, the length.
    var scalarOffsets: [Int] {
        var offsets: [Int] = []
        offsets.reserveCapacity(count + 1)
        for (offset, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
            offsets.append(offset)
        }
        offsets.append(count)
        return offsets
    }

    /// The range of the code point at a byte offset.
    func scalarRange(at offset: Int) -> Range<Int> {
        var end = offset + 1
        while end < count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        return offset..<end
    }

    /// The range of the code point that ends at a byte offset greater than 0.
    func scalarRange(endingAt end: Int) -> Range<Int> {
        var start = end - 1
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start..<end
    }

    /// The code point in the range that one of the `scalarRange` functions gave.
    func scalar(in range: Range<Int>) -> Unicode.Scalar {
        if range.count == 1 { return Unicode.Scalar(bytes[range.lowerBound]) }
        var value = UInt32(bytes[range.lowerBound]) & (0x7F >> UInt32(range.count))
        for byte in bytes[range.dropFirst()] { value = value << 6 | UInt32(byte & 0x3F) }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// Every code point as a text of its own.
    var characters: [MarkedText] {
        var characters: [MarkedText] = []
        var offset = 0
        while offset < count {
            let range = scalarRange(at: offset)
            characters.append(self[range])
            offset = range.upperBound
        }
        return characters
    }

    /// The code points without provenance.
    var scalars: String.UnicodeScalarView { string.unicodeScalars }

    /// The code point at an index that may count from the end; nil when it is out of range.
    func character(at index: Int) -> MarkedText? {
        if index >= 0 {
            var offset = 0
            for _ in 0..<index {
                guard offset < count else { return nil }
                offset = scalarRange(at: offset).upperBound
            }
            return offset < count ? self[scalarRange(at: offset)] : nil
        }
        var end = count
        for _ in 0..<(index.magnitude - 1) {
            guard end > 0 else { return nil }
            end = scalarRange(endingAt: end).lowerBound
        }
        return end > 0 ? self[scalarRange(endingAt: end)] : nil
    }

    /// The text with each code point replaced, provenance kept run by run.
    func mapped(_ transform: (Unicode.Scalar) -> String) -> MarkedText {
        var result = MarkedText()
        for run in runs {
            var piece: [UInt8] = []
            piece.reserveCapacity(run.range.count)
            var offset = run.range.lowerBound
            while offset < run.range.upperBound {
                let range = scalarRange(at: offset)
                piece.append(contentsOf: transform(scalar(in: range)).utf8)
                offset = range.upperBound
            }
            result.append(contentsOf: piece, isTrusted: run.isTrusted)
        }
        return result
    }

    var uppercased: MarkedText {
        if isASCII { return mappedASCII { (97...122).contains($0) ? $0 - 32 : $0 } }
        return mapped { $0.properties.uppercaseMapping }
    }

    var lowercased: MarkedText {
        if isASCII { return mappedASCII { (65...90).contains($0) ? $0 + 32 : $0 } }
        return mapped { $0.properties.lowercaseMapping }
    }

    var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

    private func mappedASCII(_ transform: (UInt8) -> UInt8) -> MarkedText {
        var result = MarkedText()
        for run in runs {
            result.append(
                contentsOf: bytes[run.range].map(transform),
                isTrusted: run.isTrusted
            )
        }
        return result
    }
}

extension Unicode.Scalar {
    /// What Python's `str.isspace` and `str.strip` take for white space.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000:
            true
        default: false
        }
    }
}

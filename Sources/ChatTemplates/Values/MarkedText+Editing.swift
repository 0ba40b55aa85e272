// Search, trimming, splitting and replacement, as Python's `str` does them.
extension MarkedText {
    /// Which ends of a text an operation looks at.
    enum Ends {
        case both, leading, trailing

        var includesLeading: Bool { self != .trailing }
        var includesTrailing: Bool { self != .leading }
    }

    /// The text without white space, or without the given characters, at its ends.
    func trimmed(_ ends: Ends, of characters: MarkedText? = nil) -> MarkedText {
        let set = characters.map { Set($0.scalars) }
        func isTrimmed(_ scalar: Unicode.Scalar) -> Bool {
            set?.contains(scalar) ?? scalar.isPythonSpace
        }
        var start = 0
        var end = count
        if ends.includesLeading {
            while start < end {
                let range = scalarRange(at: start)
                guard isTrimmed(scalar(in: range)) else { break }
                start = range.upperBound
            }
        }
        if ends.includesTrailing {
            while end > start {
                let range = scalarRange(endingAt: end)
                guard isTrimmed(scalar(in: range)) else { break }
                end = range.lowerBound
            }
        }
        return self[start..<end]
    }

    /// The byte offset of the first occurrence at or behind `start`; nil when there is none.
    func firstOffset(of other: MarkedText, from start: Int = 0) -> Int? {
        let needle = other.bytes
        guard let head = needle.first else { return start <= count ? start : nil }
        guard needle.count <= count else { return nil }
        var offset = start
        let last = count - needle.count
        while offset <= last {
            if bytes[offset] == head, matches(needle, at: offset) { return offset }
            offset += 1
        }
        return nil
    }

    /// The byte offset of the last occurrence that ends at or before `end`; nil when there is none.
    func lastOffset(of other: MarkedText, before end: Int) -> Int? {
        let needle = other.bytes
        var offset = end - needle.count
        while offset >= 0 {
            if matches(needle, at: offset) { return offset }
            offset -= 1
        }
        return nil
    }

    private func matches(_ needle: [UInt8], at offset: Int) -> Bool {
        for index in needle.indices where bytes[offset + index] != needle[index] { return false }
        return true
    }

    func hasPrefix(_ other: MarkedText) -> Bool { bytes.starts(with: other.bytes) }

    func hasSuffix(_ other: MarkedText) -> Bool {
        count >= other.count && matches(other.bytes, at: count - other.count)
    }

    /// The parts between occurrences of a separator that is not empty, at most `limit` cuts, counted from
    /// the front or the back.
    func split(_ separator: MarkedText, limit: Int?, fromEnd: Bool = false) -> [MarkedText] {
        var parts: [MarkedText] = []
        if fromEnd {
            var end = count
            while limit.map({ parts.count < $0 }) ?? true,
                let found = lastOffset(of: separator, before: end)
            {
                parts.append(self[found + separator.count..<end])
                end = found
            }
            parts.append(self[0..<end])
            return parts.reversed()
        }
        var start = 0
        while limit.map({ parts.count < $0 }) ?? true,
            let found = firstOffset(of: separator, from: start)
        {
            parts.append(self[start..<found])
            start = found + separator.count
        }
        parts.append(self[start..<count])
        return parts
    }

    /// The words between runs of white space, at most `limit` cuts counted from the front; the last part
    /// keeps what follows.
    func splitWords(limit: Int?) -> [MarkedText] {
        var words: [MarkedText] = []
        var start = offset(from: 0, whileSpaceIs: true)
        while start < count {
            if let limit, words.count >= limit {
                words.append(self[start..<count])
                break
            }
            let end = offset(from: start, whileSpaceIs: false)
            words.append(self[start..<end])
            start = offset(from: end, whileSpaceIs: true)
        }
        return words
    }

    /// The words between runs of white space, at most `limit` cuts counted from the back; the first part
    /// keeps what precedes.
    func splitWordsFromEnd(limit: Int) -> [MarkedText] {
        var words: [MarkedText] = []
        var end = offset(backFrom: count, whileSpaceIs: true)
        while end > 0 {
            if words.count >= limit {
                words.append(self[0..<end])
                break
            }
            let start = offset(backFrom: end, whileSpaceIs: false)
            words.append(self[start..<end])
            end = offset(backFrom: start, whileSpaceIs: true)
        }
        return words.reversed()
    }

    private func offset(from start: Int, whileSpaceIs isSpace: Bool) -> Int {
        var offset = start
        while offset < count {
            let range = scalarRange(at: offset)
            guard scalar(in: range).isPythonSpace == isSpace else { break }
            offset = range.upperBound
        }
        return offset
    }

    private func offset(backFrom end: Int, whileSpaceIs isSpace: Bool) -> Int {
        var offset = end
        while offset > 0 {
            let range = scalarRange(endingAt: offset)
            guard scalar(in: range).isPythonSpace == isSpace else { break }
            offset = range.lowerBound
        }
        return offset
    }

    /// The offsets where an occurrence of `other` starts, without overlaps, at most `limit`; for an empty
    /// `other` every place between characters.
    func offsets(of other: MarkedText, limit: Int?) -> [Int] {
        if other.isEmpty {
            let all = scalarOffsets
            return limit.map { Array(all.prefix($0)) } ?? all
        }
        var offsets: [Int] = []
        var start = 0
        while limit.map({ offsets.count < $0 }) ?? true,
            let found = firstOffset(of: other, from: start)
        {
            offsets.append(found)
            start = found + other.count
        }
        return offsets
    }

    /// The text with `length` bytes at each of the offsets replaced.
    func replacing(at offsets: [Int], length: Int, with new: MarkedText) -> MarkedText {
        var result = MarkedText()
        var start = 0
        for offset in offsets {
            result.append(self, in: start..<offset)
            result.append(new)
            start = offset + length
        }
        result.append(self, in: start..<count)
        return result
    }

    /// The lines, cut at the line ends that Python's `str.splitlines` knows.
    func lines(keepingEnds: Bool = false) -> [MarkedText] {
        var lines: [MarkedText] = []
        var start = 0
        var offset = 0
        while offset < count {
            let range = scalarRange(at: offset)
            offset = range.upperBound
            switch scalar(in: range).value {
            case 0x0D:
                if offset < count, bytes[offset] == 0x0A { offset += 1 }
            case 0x0A, 0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029: break
            default: continue
            }
            lines.append(self[start..<(keepingEnds ? offset : range.lowerBound)])
            start = offset
        }
        if start < count { lines.append(self[start..<count]) }
        return lines
    }
}

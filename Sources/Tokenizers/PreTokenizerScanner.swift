/// Splits UTF-8 text into pieces by the rules of a `PreTokenizer`.
///
/// Each call of `next` looks at a piece's bytes a small number of times, so the whole is linear.
/// Bytes that aren't UTF-8 count as symbols, one by one.
struct PreTokenizerScanner {
    private let text: [UInt8]
    private let classes = CharacterClassTable.shared
    private let rules: PreTokenizer
    private let letters: CharacterClass
    /// Where the next piece starts.
    private var position: Int
    /// Where the text to split ends.
    private let end: Int
    /// Where a stretch without single numbers ends; the rules see no text behind it (`smollm`).
    private var stretchEnd: Int

    /// Splits `text[range]`.
    init(_ text: [UInt8], range: Range<Int>, rules: PreTokenizer) {
        self.text = text
        self.rules = rules
        letters = if case .llama3(_, true) = rules { [.letter, .mark] } else { .letter }
        position = range.lowerBound
        end = range.upperBound
        stretchEnd = rules == .smollm ? range.lowerBound : range.upperBound
    }

    /// The next piece, or nil at the end.
    mutating func next() -> Range<Int>? {
        guard position < end else { return nil }
        let start = position
        switch rules {
        case .gpt2: position = gpt2PieceEnd(start)
        case .smollm: position = smollmPieceEnd(start)
        case .llama3(let count, _): position = llama3PieceEnd(start, maximumDigitCount: count)
        }
        return start..<position
    }

    // MARK: The families

    private mutating func smollmPieceEnd(_ start: Int) -> Int {
        if start == stretchEnd {
            let first = character(at: start, before: end)
            if first.kind == .number {
                stretchEnd = first.end
                return first.end
            }
            while stretchEnd < end {
                let next = character(at: stretchEnd, before: end)
                if next.kind == .number { break }
                stretchEnd = next.end
            }
        }
        return gpt2PieceEnd(start)
    }

    private func gpt2PieceEnd(_ start: Int) -> Int {
        let first = character(at: start, before: stretchEnd)
        if first.value == Self.apostrophe,
            let end = contractionEnd(first.end, ignoresCase: false)
        {
            return end
        }
        // A space joins what follows it, unless that is white space too.
        var body = first
        if first.value == Self.space, first.end < stretchEnd {
            body = character(at: first.end, before: stretchEnd)
        }
        if body.kind != .whitespace {
            return runEnd(body.end, of: body.kind)
        }
        return whitespaceEnd(start)
    }

    private func llama3PieceEnd(_ start: Int, maximumDigitCount: Int) -> Int {
        let first = character(at: start, before: stretchEnd)
        if first.value == Self.apostrophe,
            let end = contractionEnd(first.end, ignoresCase: true)
        {
            return end
        }
        switch first.kind {
        case .letter:
            return runEnd(first.end, of: .letter)
        case .number:
            return runEnd(first.end, of: .number, maximumCount: maximumDigitCount - 1)
        default:
            break
        }
        // Any one character that isn't a line break may lead a word; only a space leads symbols.
        if first.end < stretchEnd, !Self.isLineBreak(first.value) {
            let second = character(at: first.end, before: stretchEnd)
            if second.kind == .letter { return runEnd(second.end, of: .letter) }
            if first.value == Self.space, second.kind == .other {
                return lineBreaksEnd(runEnd(second.end, of: .other))
            }
        }
        if first.kind == .other { return lineBreaksEnd(runEnd(first.end, of: .other)) }
        return whitespaceEnd(start, endsAtLineBreak: true)
    }

    // MARK: Runs

    /// `\s*[\r\n]+` if wanted, then `\s+(?!\S)`, then `\s+`.
    private func whitespaceEnd(_ start: Int, endsAtLineBreak: Bool = false) -> Int {
        var position = start
        var lastStart = start
        var lineBreakEnd: Int?
        while position < stretchEnd {
            let next = character(at: position, before: stretchEnd)
            guard next.kind == .whitespace else { break }
            lastStart = position
            position = next.end
            if Self.isLineBreak(next.value) { lineBreakEnd = position }
        }
        if endsAtLineBreak, let lineBreakEnd { return lineBreakEnd }
        // In front of a word the last blank of several belongs to the word.
        return position < stretchEnd && lastStart > start ? lastStart : position
    }

    private func runEnd(_ start: Int, of kind: Kind, maximumCount: Int = .max) -> Int {
        var position = start
        var count = 0
        while position < stretchEnd, count < maximumCount {
            let next = character(at: position, before: stretchEnd)
            guard next.kind == kind else { break }
            position = next.end
            count += 1
        }
        return position
    }

    private func lineBreaksEnd(_ start: Int) -> Int {
        var position = start
        while position < stretchEnd, Self.isLineBreak(UInt32(text[position])) { position += 1 }
        return position
    }

    /// The end of `s`, `t`, `re`, `ve`, `m`, `ll` or `d` after an apostrophe.
    private func contractionEnd(_ start: Int, ignoresCase: Bool) -> Int? {
        func letter(_ index: Int) -> UInt8 {
            guard index < stretchEnd else { return 0 }
            let byte = text[index]
            return ignoresCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        switch letter(start) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 1
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return letter(start + 1) == UInt8(ascii: "e") ? start + 2 : nil
        case UInt8(ascii: "l"):
            return letter(start + 1) == UInt8(ascii: "l") ? start + 2 : nil
        default:
            return nil
        }
    }

    // MARK: Characters

    private enum Kind {
        case letter, number, whitespace, other
    }

    private struct Character {
        var value: UInt32
        var kind: Kind
        /// Where the next one starts.
        var end: Int
    }

    private static let space: UInt32 = 0x20
    private static let apostrophe: UInt32 = 0x27

    private static func isLineBreak(_ value: UInt32) -> Bool {
        value == 0x0A || value == 0x0D
    }

    private func character(at position: Int, before end: Int) -> Character {
        let lead = text[position]
        if lead < 0x80 {
            return Character(value: UInt32(lead), kind: kind(of: UInt32(lead)), end: position + 1)
        }
        let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
        guard lead >= 0xC2, position + length <= end else {
            return Character(value: 0xFFFD, kind: .other, end: position + 1)
        }
        var value = UInt32(lead) & (0x7F >> UInt32(length))
        for index in position + 1..<position + length {
            value = value << 6 | UInt32(text[index] & 0x3F)
        }
        return Character(value: value, kind: kind(of: value), end: position + length)
    }

    private func kind(of value: UInt32) -> Kind {
        let found = classes[value]
        if !found.isDisjoint(with: letters) { return .letter }
        if found.contains(.number) { return .number }
        return found.contains(.whitespace) ? .whitespace : .other
    }
}

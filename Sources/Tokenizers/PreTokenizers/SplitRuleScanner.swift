/// Splits UTF-8 text by one rule.
///
/// What the rule sees ends where the text to split ends, as if nothing followed.
struct SplitRuleScanner {
    let text: [UInt8]
    let rule: SplitRule
    /// Where the text to split ends.
    let end: Int
    let classes = CharacterClassTable.shared
    /// Where the next piece starts.
    private var position: Int
    /// A match that was found behind the piece that was returned last.
    private var pending: Range<Int>?
    /// Where the blanks at the end start, for `trailingBlanks`.
    private var trailingStart: Int
    /// Where the run of numbers that was counted last ends, for `digitGroups`.
    private var numbersEnd: Int

    /// Splits `text[range]`.
    init(_ text: [UInt8], range: Range<Int>, rule: SplitRule) {
        self.text = text
        self.rule = rule
        position = range.lowerBound
        end = range.upperBound
        trailingStart = range.upperBound
        numbersEnd = range.lowerBound
        if rule == .trailingBlanks { trailingStart = startOfTrailingBlanks() }
    }

    /// The next piece, or nil at the end.
    mutating func next() -> Range<Int>? {
        if let match = pending {
            pending = nil
            position = match.upperBound
            return match
        }
        var place = position
        while place < end {
            if let matchEnd = matchEnd(place) {
                guard place > position else {
                    position = matchEnd
                    return place..<matchEnd
                }
                pending = place..<matchEnd
                return position..<place
            }
            place = character(at: place).end
        }
        guard position < end else { return nil }
        defer { position = end }
        return position..<end
    }

    /// Where a match that starts at `start` ends.
    private mutating func matchEnd(_ start: Int) -> Int? {
        switch rule {
        case .gpt2:
            gpt2End(start)
        case .words(let count, let marksAreLetters, let takesLineBreaks):
            wordEnd(
                start,
                maximumDigitCount: count,
                letters: marksAreLetters ? [.letter, .mark] : .letter,
                symbolsTakeLineBreaks: takesLineBreaks
            )
        case .casedWords(let count, let takesContractions):
            casedWordEnd(
                start,
                maximumDigitCount: count,
                takesContractions: takesContractions
            )
        case .deepSeek:
            deepSeekEnd(start)
        case .run(let group, let maximumCount, let takesBlank, let blankIsSpace):
            groupEnd(
                start,
                group,
                maximumCount: maximumCount,
                takesBlank: takesBlank,
                blankIsSpace: blankIsSpace
            )
        case .trailingBlanks:
            start == trailingStart ? end : nil
        case .threeDigits:
            (start..<start + 3).allSatisfy { $0 < end && (0x30...0x39).contains(text[$0]) }
                ? start + 3 : nil
        case .digitGroups:
            digitGroupEnd(start)
        }
    }

    private func groupEnd(
        _ start: Int,
        _ group: CharacterGroup,
        maximumCount: Int,
        takesBlank: Bool,
        blankIsSpace: Bool
    ) -> Int? {
        var position = start
        if takesBlank {
            let first = character(at: start)
            if blankIsSpace ? first.value == Self.space : first.kind == .whitespace {
                position = first.end
            }
        }
        var count = 0
        while position < end, count < maximumCount {
            let next = character(at: position)
            guard group.contains(next.value, next.kind) else { break }
            position = next.end
            count += 1
        }
        return count > 0 ? position : nil
    }

    private mutating func digitGroupEnd(_ start: Int) -> Int? {
        guard character(at: start).kind == .number else { return nil }
        var firstCount = 3
        if start >= numbersEnd {
            var count = 0
            numbersEnd = start
            while numbersEnd < end {
                let next = character(at: numbersEnd)
                guard next.kind == .number else { break }
                numbersEnd = next.end
                count += 1
            }
            if count % 3 != 0 { firstCount = count % 3 }
        }
        return runEnd(start, of: .number, maximumCount: firstCount)
    }

    private func startOfTrailingBlanks() -> Int {
        var start = end
        var place = position
        while place < end {
            let next = character(at: place)
            if next.kind != .whitespace {
                start = end
            } else if start == end {
                start = place
            }
            place = next.end
        }
        return start
    }
}

// MARK: Characters

extension SplitRuleScanner {
    /// A character of the text.
    struct Character {
        var value: UInt32
        var kind: CharacterClass
        /// Where the next one starts.
        var end: Int

        var isLineBreak: Bool { value == 0x0A || value == 0x0D }
    }

    static let space: UInt32 = 0x20

    func character(at position: Int) -> Character {
        let lead = text[position]
        if lead < 0x80 {
            return Character(
                value: UInt32(lead),
                kind: classes[UInt32(lead)],
                end: position + 1
            )
        }
        let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
        guard lead >= 0xC2, position + length <= end else {
            return Character(value: 0xFFFD, kind: [], end: position + 1)
        }
        var value = UInt32(lead) & (0x7F >> UInt32(length))
        for index in position + 1..<position + length {
            value = value << 6 | UInt32(text[index] & 0x3F)
        }
        return Character(value: value, kind: classes[value], end: position + length)
    }

    /// The end of a run of characters that are of one of the classes in `kinds`.
    func runEnd(
        _ start: Int,
        of kinds: CharacterClass,
        maximumCount: Int = .max
    ) -> Int {
        var position = start
        var count = 0
        while position < end, count < maximumCount {
            let next = character(at: position)
            guard !next.kind.isDisjoint(with: kinds) else { break }
            position = next.end
            count += 1
        }
        return position
    }

    /// The end of a run of characters that are of none of the classes in `kinds`.
    func runEnd(_ start: Int, ofNone kinds: CharacterClass) -> Int {
        var position = start
        while position < end {
            let next = character(at: position)
            guard next.kind.isDisjoint(with: kinds) else { break }
            position = next.end
        }
        return position
    }
}

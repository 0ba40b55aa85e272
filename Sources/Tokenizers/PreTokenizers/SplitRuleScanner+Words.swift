// The rules with alternatives: words, numbers, symbols and blanks.
extension SplitRuleScanner {
    func gpt2End(_ start: Int) -> Int {
        let first = character(at: start)
        if let end = contractionEnd(first, ignoresCase: false) { return end }
        // A space joins what follows it, unless that is white space too.
        var body = first
        if first.value == Self.space, first.end < end { body = character(at: first.end) }
        if !body.kind.isDisjoint(with: .letter) { return runEnd(body.end, of: .letter) }
        if body.kind == .number { return runEnd(body.end, of: .number) }
        guard body.kind == .whitespace else {
            return runEnd(body.end, ofNone: [.letter, .number, .whitespace])
        }
        return blanksEnd(start)
    }

    func wordEnd(
        _ start: Int,
        maximumDigitCount: Int,
        letters: CharacterClass,
        symbolsTakeLineBreaks: Bool
    ) -> Int {
        let first = character(at: start)
        if let end = contractionEnd(first, ignoresCase: true) { return end }
        if !first.kind.isDisjoint(with: letters) { return runEnd(first.end, of: letters) }
        // Any one character that is no letter, number or line break may lead a word.
        if first.kind != .number, !first.isLineBreak, first.end < end,
            !character(at: first.end).kind.isDisjoint(with: letters)
        {
            return runEnd(first.end, of: letters)
        }
        return numberEnd(first, start, maximumCount: maximumDigitCount)
            ?? symbolsEnd(
                first,
                ofNone: letters.union([.number, .whitespace]),
                takes: symbolsTakeLineBreaks ? "\r\n" : ""
            )
            ?? blanksEnd(start, endsAtLineBreak: true)
    }

    func casedWordEnd(
        _ start: Int,
        maximumDigitCount: Int,
        takesContractions: Bool
    ) -> Int {
        let first = character(at: start)
        if var end = casedLettersEnd(first, start) {
            if takesContractions, end < self.end {
                end = contractionEnd(character(at: end), ignoresCase: true) ?? end
            }
            return end
        }
        return numberEnd(first, start, maximumCount: maximumDigitCount)
            ?? symbolsEnd(first, ofNone: [.letter, .number, .whitespace], takes: "\r\n/")
            ?? blanksEnd(start, endsAtLineBreak: true)
    }

    /// `X?U*l+|X?U+l*`, where X is no letter, number or line break.
    ///
    /// An expression tries its alternatives in order, each first with and then without X, which
    /// matters as X may be a mark.
    private func casedLettersEnd(_ first: Character, _ start: Int) -> Int? {
        let mayLead =
            first.kind.isDisjoint(with: [.letter, .number]) && !first.isLineBreak
            && first.end < end
        let led = mayLead ? casedRunEnds(first.end) : nil
        let own = casedRunEnds(start)
        return led?.withSmallLetters ?? own.withSmallLetters ?? led?.ofCapitals ?? own.ofCapitals
    }

    /// Where `U*l+` and `U+l*` end, if they match; the second is asked for only if the first doesn't.
    private func casedRunEnds(_ start: Int) -> (withSmallLetters: Int?, ofCapitals: Int?) {
        var position = start
        // U and l share the letters without case and the marks: `l+` may be the last one of a run.
        var lastSharedEnd: Int?
        while position < end {
            let next = character(at: position)
            guard !next.kind.isDisjoint(with: [.uppercase, .caseless, .mark]) else { break }
            position = next.end
            if next.kind != .uppercase { lastSharedEnd = position }
        }
        let smallEnd = runEnd(position, of: [.lowercase, .caseless, .mark])
        return (
            smallEnd > position ? smallEnd : lastSharedEnd,
            position > start ? position : nil
        )
    }

    func deepSeekEnd(_ start: Int) -> Int? {
        let first = character(at: start)
        let isSign = !first.kind.isDisjoint(with: [.punctuation, .symbol])
        if isSign, first.value < 0x80 {
            var letters = first.end
            while letters < end, Self.isASCIILetter(text[letters]) { letters += 1 }
            if letters > first.end { return letters }
        }
        let letters: CharacterClass = [.letter, .mark]
        if !first.kind.isDisjoint(with: letters) { return runEnd(first.end, of: letters) }
        if !isSign, !first.isLineBreak {
            let wordEnd = runEnd(first.end, of: letters)
            if wordEnd > first.end { return wordEnd }
        }
        let signs: CharacterClass = [.punctuation, .symbol]
        var body = first
        if first.value == Self.space, first.end < end { body = character(at: first.end) }
        if !body.kind.isDisjoint(with: signs) {
            return end(of: "\r\n", from: runEnd(body.end, of: signs))
        }
        return first.kind == .whitespace ? blanksEnd(start, endsAtLineBreak: true) : nil
    }

    // MARK: Alternatives

    private func numberEnd(_ first: Character, _ start: Int, maximumCount: Int) -> Int? {
        first.kind == .number ? runEnd(start, of: .number, maximumCount: maximumCount) : nil
    }

    /// ` ?[^…]+`, and what of `takes` follows.
    private func symbolsEnd(
        _ first: Character,
        ofNone kinds: CharacterClass,
        takes: String
    ) -> Int? {
        var body = first
        if first.value == Self.space, first.end < end { body = character(at: first.end) }
        guard body.kind.isDisjoint(with: kinds) else { return nil }
        return end(of: takes, from: runEnd(body.end, ofNone: kinds))
    }

    /// The end of a run of characters of `set`, which are ASCII.
    private func end(of set: String, from start: Int) -> Int {
        var position = start
        while position < end, set.utf8.contains(text[position]) { position += 1 }
        return position
    }

    /// `\s*[\r\n]+` if wanted, then `\s+(?!\S)`, then `\s+`.
    private func blanksEnd(_ start: Int, endsAtLineBreak: Bool = false) -> Int {
        var position = start
        var lastStart = start
        var lineBreakEnd: Int?
        while position < end {
            let next = character(at: position)
            guard next.kind == .whitespace else { break }
            lastStart = position
            position = next.end
            if next.isLineBreak { lineBreakEnd = position }
        }
        if endsAtLineBreak, let lineBreakEnd { return lineBreakEnd }
        // In front of a word the last blank of several belongs to the word.
        return position < end && lastStart > start ? lastStart : position
    }

    /// The end of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`.
    private func contractionEnd(_ first: Character, ignoresCase: Bool) -> Int? {
        guard first.value == 0x27 else { return nil }
        func letter(_ index: Int) -> UInt8 {
            guard index < end else { return 0 }
            let byte = text[index]
            return ignoresCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        let start = first.end
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

    private static func isASCIILetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte & 0xDF)
    }
}

/// Splits UTF-8 text into pieces by the rules of a `PreTokenizer`, one piece at a time.
///
/// Bytes that aren't UTF-8 count as characters without a class, one by one.
///
/// - Complexity: Linear in the text for all calls together.
struct PreTokenizerScanner {
    private let text: [UInt8]
    private let rules: [SplitRule]
    /// A scanner for each rule up to the one that is at work; each splits a piece of the one before it.
    private var scanners: [SplitRuleScanner]

    /// Splits `text[range]`.
    init(_ text: [UInt8], range: Range<Int>, preTokenizer: PreTokenizer) {
        self.text = text
        rules = preTokenizer.rules
        precondition(!rules.isEmpty, "a pre-tokenizer has a rule")
        scanners = [SplitRuleScanner(text, range: range, rule: rules[0])]
    }

    /// The next piece, or nil at the end.
    mutating func next() -> Range<Int>? {
        while let last = scanners.indices.last {
            guard let piece = scanners[last].next() else {
                scanners.removeLast()
                continue
            }
            guard scanners.count < rules.count else { return piece }
            scanners.append(SplitRuleScanner(text, range: piece, rule: rules[scanners.count]))
        }
        return nil
    }
}

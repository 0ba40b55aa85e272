/// The JSON numerals of the numbers that a schema allows.
///
/// Without bounds: up to 15 digits before the point, up to 15 behind it, and an exponent of one or
/// two digits, so that a numeral ends and stays finite. With bounds: no exponent, and no more digits
/// than a 64-bit float tells apart, so that what is within the bounds in decimal is so too when
/// it is read as a float. There is no minus before zero.
struct NumberLanguage: Sendable, Hashable {
    struct Bound: Sendable, Hashable {
        let value: DecimalNumber
        let isExclusive: Bool
    }

    var isInteger = false
    var lower: Bound?
    var upper: Bound?
    /// The number must be a multiple of each of them; all are above zero.
    var multiples: [DecimalNumber] = []

    private static let significantDigitCount = 15
    private static let digit = RegularExpression.characters(RegexParser.digits)
    private static let nonzeroDigit = RegularExpression.characters(ScalarSet([0x31...0x39]))

    /// Whether anything but the syntax limits the number.
    private var isBounded: Bool { lower != nil || upper != nil || !multiples.isEmpty }

    /// Whether no number is in the bounds.
    var isEmpty: Bool {
        guard let lower, let upper else { return false }
        if lower.value == upper.value { return lower.isExclusive || upper.isExclusive }
        return upper.value < lower.value
    }

    /// The node of the numerals.
    func node(limit: Int) throws(ScalarAutomaton.TooLarge) -> GrammarNode {
        guard isBounded else { return GrammarNode(unbounded, .plain) }
        var branches: [GrammarNode] = []
        if let automaton = try magnitudes(from: lower, to: upper, limit: limit) {
            branches.append(.automaton(automaton, .plain))
        }
        func negated(_ bound: Bound?) -> Bound? {
            bound.map { Bound(value: $0.value.negated, isExclusive: $0.isExclusive) }
        }
        let aboveZero = Bound(value: .zero, isExclusive: true)
        var least = negated(upper) ?? aboveZero
        if least.value <= .zero { least = aboveZero }
        if let automaton = try magnitudes(from: least, to: negated(lower), limit: limit) {
            branches.append(.sequence([.text("-"), .automaton(automaton, .plain)]))
        }
        return .choice(branches)
    }

    private var unbounded: RegularExpression {
        var parts: [RegularExpression] = [
            .optional(.text("-")), integerSyntax(digitCount: Self.significantDigitCount),
        ]
        guard !isInteger else { return .sequence(parts) }
        parts.append(
            .optional(
                .sequence([.text("."), .repetition(Self.digit, minimum: 1, maximum: 15)])
            )
        )
        parts.append(
            .optional(
                .sequence([
                    .characters(ScalarSet("eE")), .optional(.characters(ScalarSet("+-"))),
                    .repetition(Self.digit, minimum: 1, maximum: 2),
                ])
            )
        )
        return .sequence(parts)
    }

    private func integerSyntax(digitCount: Int) -> RegularExpression {
        .choice([
            .text("0"),
            .sequence([
                Self.nonzeroDigit,
                .repetition(Self.digit, minimum: 0, maximum: digitCount - 1),
            ]),
        ])
    }

    /// The numerals without sign between two bounds, of which a negative lower one doesn't matter;
    /// nil when there are none.
    private func magnitudes(
        from lower: Bound?,
        to upper: Bound?,
        limit: Int
    ) throws(ScalarAutomaton.TooLarge) -> ScalarAutomaton? {
        if let upper, upper.value.isNegative { return nil }
        let bounds = [lower, upper].compactMap { $0 }
        let most = Self.significantDigitCount
        let integerDigits = max(most, bounds.map(\.value.integerDigits.count).max() ?? 0)
        var syntax = [integerSyntax(digitCount: integerDigits)]
        if !isInteger {
            let boundDigits = bounds.map(\.value.integerDigits.count).max() ?? 1
            let needed = bounds.map(\.value.fractionDigits.count).max() ?? 0
            let count = max(needed, most - boundDigits, 1)
            syntax.append(
                .optional(
                    .sequence([.text("."), .repetition(Self.digit, minimum: 1, maximum: count)])
                )
            )
        }
        var result = try ScalarAutomaton(.sequence(syntax), limit: limit)
        if let lower, !lower.value.isNegative {
            let automaton = try ScalarAutomaton(Self.atLeast(lower), limit: limit)
            result = try result.intersection(automaton, limit: limit)
        }
        if let upper {
            let automaton = try ScalarAutomaton(Self.atMost(upper), limit: limit)
            result = try result.intersection(automaton, limit: limit)
        }
        for multiple in multiples {
            let automaton = try ScalarAutomaton(multiplesOf: multiple, limit: limit)
            result = try result.intersection(automaton, limit: limit)
        }
        return result.isEmpty ? nil : result
    }

    // MARK: Comparing digit by digit

    private static let anyFraction = RegularExpression.optional(
        .sequence([.text("."), .repetition(digit, minimum: 1, maximum: nil)])
    )
    private static let zeros = RegularExpression.repetition(
        .text("0"),
        minimum: 0,
        maximum: nil
    )
    private static let anyDigits = RegularExpression.repetition(digit, minimum: 0, maximum: nil)
    /// Digits that aren't all zero.
    private static let nonzeroDigits = RegularExpression.sequence([
        anyDigits, nonzeroDigit, anyDigits,
    ])

    private static func exactly(_ digits: ArraySlice<UInt32>) -> RegularExpression {
        .sequence(digits.map { .characters(ScalarSet($0 + 0x30)) })
    }

    private static func digits(_ range: Range<UInt32>) -> RegularExpression {
        range.isEmpty
            ? .choice([])
            : .characters(ScalarSet([range.lowerBound + 0x30...range.upperBound + 0x2F]))
    }

    private static func anyDigits(count: Int) -> RegularExpression {
        .repetition(digit, minimum: count, maximum: count)
    }

    private static func atLeast(_ bound: Bound) -> RegularExpression {
        let integer = bound.value.integerDigits
        let fraction = bound.value.fractionDigits
        // More digits before the point, or the first digit that differs is higher.
        var branches: [RegularExpression] = [
            .sequence([
                nonzeroDigit, .repetition(digit, minimum: integer.count, maximum: nil), anyFraction,
            ])
        ]
        for (index, value) in integer.enumerated() {
            branches.append(
                .sequence([
                    exactly(integer[..<index]), digits(value + 1..<10),
                    anyDigits(count: integer.count - index - 1), anyFraction,
                ])
            )
        }
        for (index, value) in fraction.enumerated() {
            branches.append(
                .sequence([
                    exactly(integer[...]), .text("."), exactly(fraction[..<index]),
                    digits(value + 1..<10), anyDigits,
                ])
            )
        }
        let tail: RegularExpression
        if fraction.isEmpty {
            tail = bound.isExclusive ? .sequence([.text("."), nonzeroDigits]) : anyFraction
        } else {
            tail = .sequence([
                .text("."), exactly(fraction[...]), bound.isExclusive ? nonzeroDigits : anyDigits,
            ])
        }
        branches.append(.sequence([exactly(integer[...]), tail]))
        return .choice(branches)
    }

    private static func atMost(_ bound: Bound) -> RegularExpression {
        let integer = bound.value.integerDigits
        let fraction = bound.value.fractionDigits
        var branches: [RegularExpression] = []
        if integer.count > 1 {
            branches.append(.sequence([.text("0"), anyFraction]))
            branches.append(
                .sequence([
                    nonzeroDigit, .repetition(digit, minimum: 0, maximum: integer.count - 2),
                    anyFraction,
                ])
            )
        }
        for (index, value) in integer.enumerated() {
            let least: UInt32 = index == 0 && integer.count > 1 ? 1 : 0
            guard least < value else { continue }
            branches.append(
                .sequence([
                    exactly(integer[..<index]), digits(least..<value),
                    anyDigits(count: integer.count - index - 1), anyFraction,
                ])
            )
        }
        let whole = exactly(integer[...])
        for (index, value) in fraction.enumerated() {
            let equal = RegularExpression.sequence([
                whole, .text("."), exactly(fraction[..<index]),
            ])
            branches.append(index == 0 ? whole : equal)
            branches.append(.sequence([equal, digits(0..<value), anyDigits]))
        }
        if !bound.isExclusive {
            let rest = RegularExpression.sequence([.text("."), exactly(fraction[...]), zeros])
            branches.append(
                fraction.isEmpty
                    ? .sequence([
                        whole,
                        .optional(.sequence([.text("."), .text("0"), zeros])),
                    ]) : .sequence([whole, rest])
            )
        }
        return .choice(branches)
    }
}

extension ScalarAutomaton {
    /// The numerals, without sign and exponent, of the multiples of a number above zero.
    init(multiplesOf divisor: DecimalNumber, limit: Int) throws(TooLarge) {
        let places = divisor.fractionDigits.count
        var modulus = 0
        for digit in divisor.integerDigits + divisor.fractionDigits {
            modulus = modulus * 10 + Int(digit)
            guard modulus < limit else { throw TooLarge() }
        }
        guard modulus * (places + 2) + 1 < limit else { throw TooLarge() }
        // State 0 is the start; then, for each number of digits behind the point, a state for each
        // remainder of the digits read as an integer; then the states right behind the point.
        let behindPoint = 1 + (places + 1) * modulus
        func digits(toPlace place: Int, after remainder: Int) -> [Transition] {
            (0..<10).map { digit in
                let scalar = UInt32(0x30 + digit)
                let next = (remainder * 10 + digit) % modulus
                return Transition(range: scalar...scalar, target: 1 + place * modulus + next)
            }
        }
        var transitions = [digits(toPlace: 0, after: 0)]
        var isAccepting = [false]
        for place in 0...places {
            let missing = (place..<places).reduce(1) { power, _ in power * 10 % modulus }
            for remainder in 0..<modulus {
                var edges: [Transition] = []
                if place == 0 {
                    if places > 0 {
                        let target = behindPoint + remainder
                        edges.append(Transition(range: 0x2E...0x2E, target: target))
                    }
                    edges += digits(toPlace: 0, after: remainder)
                } else if place < places {
                    edges = digits(toPlace: place + 1, after: remainder)
                }
                transitions.append(edges)
                isAccepting.append(remainder * missing % modulus == 0)
            }
        }
        if places > 0 {
            for remainder in 0..<modulus {
                transitions.append(digits(toPlace: 1, after: remainder))
                isAccepting.append(false)
            }
        }
        self.init(transitions: transitions, isAccepting: isAccepting)
    }
}

/// A regular language over Unicode scalars, as a tree.
///
/// Anchors are marks beyond the scalars, ``begin`` and ``end``, which an automaton takes out again
/// (``ScalarAutomaton``).
indirect enum RegularExpression: Sendable, Hashable {
    case empty
    case characters(ScalarSet)
    case sequence([RegularExpression])
    case choice([RegularExpression])
    /// `maximum` nil: without end.
    case repetition(RegularExpression, minimum: Int, maximum: Int?)

    /// The mark that stands for the beginning of a text.
    static let begin = ScalarSet(0x11_0000)
    /// The mark that stands for the end of a text.
    static let end = ScalarSet(0x11_0001)

    static func text(_ text: String) -> RegularExpression {
        .sequence(text.unicodeScalars.map { .characters(ScalarSet($0.value)) })
    }

    static let anyText = RegularExpression.repetition(.characters(.all), minimum: 0, maximum: nil)

    static func optional(_ expression: RegularExpression) -> RegularExpression {
        .repetition(expression, minimum: 0, maximum: 1)
    }

    /// Whether an anchor is anywhere in it.
    var hasAnchors: Bool {
        switch self {
        case .empty: false
        case .characters(let set): set == Self.begin || set == Self.end
        case .sequence(let parts), .choice(let parts): parts.contains { $0.hasAnchors }
        case .repetition(let part, _, _): part.hasAnchors
        }
    }
}

extension RegularExpression {
    /// The texts that match as a whole, without anchors; nil if an anchor stands where only an
    /// automaton can tell what it means.
    var wholeMatch: RegularExpression? {
        let (inner, _, _) = strippedOfOuterAnchors
        return inner.hasAnchors ? nil : inner
    }

    /// The texts in which it is found, without anchors; nil as for ``wholeMatch``.
    var search: RegularExpression? {
        let (inner, isAtStart, isAtEnd) = strippedOfOuterAnchors
        guard !inner.hasAnchors else { return nil }
        var parts = [inner]
        if !isAtStart { parts.insert(Self.anyText, at: 0) }
        if !isAtEnd { parts.append(Self.anyText) }
        return parts.count == 1 ? inner : .sequence(parts)
    }

    private var strippedOfOuterAnchors: (RegularExpression, isAtStart: Bool, isAtEnd: Bool) {
        guard case .sequence(var parts) = self else {
            if self == .characters(Self.begin) { return (.empty, true, false) }
            if self == .characters(Self.end) { return (.empty, false, true) }
            return (self, false, false)
        }
        let isAtStart = parts.first == .characters(Self.begin)
        if isAtStart { parts.removeFirst() }
        let isAtEnd = parts.last == .characters(Self.end)
        if isAtEnd { parts.removeLast() }
        return (.sequence(parts), isAtStart, isAtEnd)
    }
}

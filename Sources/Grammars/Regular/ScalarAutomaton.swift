/// A deterministic automaton over Unicode scalars: a regular language that can be intersected and
/// complemented.
///
/// State 0 is the start. A scalar without a transition leads nowhere.
struct ScalarAutomaton: Sendable, Hashable {
    struct Transition: Sendable, Hashable {
        let range: ClosedRange<UInt32>
        let target: Int
    }

    /// Each state's transitions, ascending and disjoint.
    var transitions: [[Transition]]
    var isAccepting: [Bool]

    /// Why an automaton cannot be made.
    struct TooLarge: Error {}

    /// The texts whose number of scalars is in a range.
    ///
    /// - Throws: `TooLarge` when that takes more than `limit` states.
    init(lengths minimum: Int, _ maximum: Int?, limit: Int) throws(TooLarge) {
        let count = maximum ?? minimum
        guard count < limit else { throw TooLarge() }
        func edges(to target: Int) -> [Transition] {
            ScalarSet.all.ranges.map { Transition(range: $0, target: target) }
        }
        transitions = (0...count).map { $0 < count ? edges(to: $0 + 1) : [] }
        if maximum == nil { transitions[count] = edges(to: count) }
        isAccepting = (0...count).map { $0 >= minimum }
    }

    init(transitions: [[Transition]], isAccepting: [Bool]) {
        self.transitions = transitions
        self.isAccepting = isAccepting
    }

    /// The language of an expression; its anchors must have been taken out.
    init(_ expression: RegularExpression, limit: Int) throws(TooLarge) {
        var construction = SubsetConstruction(limit: limit)
        self = try construction.automaton(of: expression)
    }

    /// The texts in which `pattern` is found, as JSON Schema's `pattern` means it: anywhere unless
    /// anchored.
    init(searching pattern: RegularExpression, limit: Int) throws(TooLarge) {
        let any = ScalarSet.all.union(RegularExpression.begin).union(RegularExpression.end)
        let anything = RegularExpression.repetition(.characters(any), minimum: 0, maximum: nil)
        try self.init(wholly: .sequence([anything, pattern, anything]), limit: limit)
    }

    /// The texts that `pattern` matches as a whole, with a mark before and behind them.
    init(wholly pattern: RegularExpression, limit: Int) throws(TooLarge) {
        let found = try ScalarAutomaton(pattern, limit: limit)
        let marked = try ScalarAutomaton(
            .sequence([
                .characters(RegularExpression.begin), RegularExpression.anyText,
                .characters(RegularExpression.end),
            ]),
            limit: limit
        )
        self = try found.intersection(marked, limit: limit).withoutMarks
    }

    /// Takes out the marks, of which there is one at the start and one at each end.
    private var withoutMarks: ScalarAutomaton {
        let begin = RegularExpression.begin.ranges[0].lowerBound
        let end = RegularExpression.end.ranges[0].lowerBound
        guard let start = target(from: 0, begin) else {
            return ScalarAutomaton(transitions: [[]], isAccepting: [false])
        }
        var result = self
        for state in transitions.indices {
            result.isAccepting[state] = target(from: state, end).map { isAccepting[$0] } ?? false
            result.transitions[state].removeAll { $0.range.lowerBound >= begin }
        }
        // The state that the mark at the beginning leads to becomes the first one. Nothing leads
        // back to the old first state: the mark stands only at the beginning.
        result.transitions[0] = result.transitions[start]
        result.isAccepting[0] = result.isAccepting[start]
        return result
    }

    /// The state a scalar leads to.
    func target(from state: Int, _ scalar: UInt32) -> Int? {
        transitions[state].first { $0.range.contains(scalar) }?.target
    }

    /// Whether a text is in the language.
    func accepts(_ text: String) -> Bool {
        var state = 0
        for scalar in text.unicodeScalars {
            guard let next = target(from: state, scalar.value) else { return false }
            state = next
        }
        return isAccepting[state]
    }

    /// Whether no text is in the language.
    var isEmpty: Bool {
        var seen = Set([0])
        var work = [0]
        while let state = work.popLast() {
            if isAccepting[state] { return false }
            for edge in transitions[state] where seen.insert(edge.target).inserted {
                work.append(edge.target)
            }
        }
        return true
    }

    /// All texts that are not in the language.
    var complement: ScalarAutomaton {
        let sink = transitions.count
        var result = self
        result.transitions.append(
            ScalarSet.all.ranges.map { Transition(range: $0, target: sink) }
        )
        result.isAccepting = isAccepting.map { !$0 } + [true]
        for state in transitions.indices {
            var covered = ScalarSet(transitions[state].map(\.range))
            covered = covered.complement
            let missing = covered.ranges.map { Transition(range: $0, target: sink) }
            result.transitions[state] = (transitions[state] + missing)
                .sorted { $0.range.lowerBound < $1.range.lowerBound }
        }
        return result
    }

    /// The texts that are in both languages.
    func intersection(_ other: ScalarAutomaton, limit: Int) throws(TooLarge) -> ScalarAutomaton {
        struct Pair: Hashable {
            let left: Int
            let right: Int
        }
        var numbers: [Pair: Int] = [Pair(left: 0, right: 0): 0]
        var pairs = [Pair(left: 0, right: 0)]
        var result = ScalarAutomaton(transitions: [], isAccepting: [])
        var next = 0
        while next < pairs.count {
            let pair = pairs[next]
            next += 1
            var edges: [Transition] = []
            for left in transitions[pair.left] {
                for right in other.transitions[pair.right] where left.range.overlaps(right.range) {
                    let target = Pair(left: left.target, right: right.target)
                    let number = numbers[target] ?? pairs.count
                    if number == pairs.count {
                        guard number < limit else { throw TooLarge() }
                        numbers[target] = number
                        pairs.append(target)
                    }
                    edges.append(
                        Transition(range: left.range.clamped(to: right.range), target: number)
                    )
                }
            }
            result.transitions.append(edges.sorted { $0.range.lowerBound < $1.range.lowerBound })
            result.isAccepting.append(isAccepting[pair.left] && other.isAccepting[pair.right])
        }
        return result
    }
}

/// Makes a deterministic automaton out of a regular expression, by way of a nondeterministic one.
struct SubsetConstruction {
    private let limit: Int
    private var edges: [[(set: ScalarSet, target: Int)]] = []
    private var jumps: [[Int]] = []

    /// - Parameter limit: The most states of the result, and a tenth of the most on the way.
    init(limit: Int) { self.limit = limit }

    mutating func automaton(
        of expression: RegularExpression
    ) throws(ScalarAutomaton.TooLarge) -> ScalarAutomaton {
        let start = try newState()
        let end = try build(expression, from: start)
        let starts = alphabetStarts()
        var numbers: [[Int]: Int] = [:]
        var subsets: [[Int]] = []
        func number(_ subset: [Int]) throws(ScalarAutomaton.TooLarge) -> Int {
            if let known = numbers[subset] { return known }
            guard subsets.count < limit else { throw ScalarAutomaton.TooLarge() }
            numbers[subset] = subsets.count
            subsets.append(subset)
            return subsets.count - 1
        }
        _ = try number(closure([start]))
        var result = ScalarAutomaton(transitions: [], isAccepting: [])
        // Work is bounded too: wide alphabets and large subsets multiply.
        var fuel = limit * 2_000
        var next = 0
        while next < subsets.count {
            let subset = subsets[next]
            next += 1
            let moves = subset.flatMap { edges[$0] }
            var transitions: [ScalarAutomaton.Transition] = []
            for (index, first) in starts.dropLast().enumerated() {
                fuel -= 1 + moves.count
                guard fuel > 0 else { throw ScalarAutomaton.TooLarge() }
                let targets = moves.filter { $0.set.contains(first) }.map(\.target)
                guard !targets.isEmpty else { continue }
                let target = try number(closure(targets))
                let range = first...starts[index + 1] - 1
                if let last = transitions.last, last.target == target,
                    last.range.upperBound + 1 == first
                {
                    transitions[transitions.count - 1] = ScalarAutomaton.Transition(
                        range: last.range.lowerBound...range.upperBound,
                        target: target
                    )
                } else {
                    transitions.append(ScalarAutomaton.Transition(range: range, target: target))
                }
            }
            result.transitions.append(transitions)
            result.isAccepting.append(subset.contains(end))
        }
        return result
    }

    private mutating func newState() throws(ScalarAutomaton.TooLarge) -> Int {
        guard edges.count < limit * 10 else { throw ScalarAutomaton.TooLarge() }
        edges.append([])
        jumps.append([])
        return edges.count - 1
    }

    private mutating func build(
        _ expression: RegularExpression,
        from start: Int
    ) throws(ScalarAutomaton.TooLarge) -> Int {
        switch expression {
        case .empty:
            return start
        case .characters(let set):
            let end = try newState()
            edges[start].append((set, end))
            return end
        case .sequence(let parts):
            var state = start
            for part in parts { state = try build(part, from: state) }
            return state
        case .choice(let parts):
            let end = try newState()
            for part in parts {
                let entry = try newState()
                jumps[start].append(entry)
                jumps[try build(part, from: entry)].append(end)
            }
            return end
        case .repetition(let part, let minimum, let maximum):
            return try buildRepetition(part, minimum, maximum, from: start)
        }
    }

    private mutating func buildRepetition(
        _ part: RegularExpression,
        _ minimum: Int,
        _ maximum: Int?,
        from start: Int
    ) throws(ScalarAutomaton.TooLarge) -> Int {
        var state = start
        guard max(minimum, maximum ?? 0) < limit * 10 else { throw ScalarAutomaton.TooLarge() }
        for _ in 0..<minimum {
            let entry = try newState()
            jumps[state].append(entry)
            state = try build(part, from: entry)
        }
        let end = try newState()
        guard let maximum else {
            let entry = try newState()
            jumps[state].append(entry)
            jumps[try build(part, from: entry)].append(entry)
            jumps[entry].append(end)
            return end
        }
        jumps[state].append(end)
        for _ in minimum..<max(minimum, maximum) {
            let entry = try newState()
            jumps[state].append(entry)
            state = try build(part, from: entry)
            jumps[state].append(end)
        }
        return end
    }

    /// Where classes of scalars that no edge tells apart begin; the last element ends them all.
    private func alphabetStarts() -> [UInt32] {
        var starts: Set<UInt32> = []
        for edge in edges.joined() {
            for range in edge.set.ranges {
                starts.insert(range.lowerBound)
                starts.insert(range.upperBound + 1)
            }
        }
        return starts.sorted()
    }

    private func closure(_ states: [Int]) -> [Int] {
        var seen = Set(states)
        var work = states
        while let state = work.popLast() {
            for target in jumps[state] where seen.insert(target).inserted { work.append(target) }
        }
        return seen.sorted()
    }
}

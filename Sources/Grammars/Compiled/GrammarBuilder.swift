/// Makes the automata of a grammar's rules.
struct GrammarBuilder {
    private(set) var states: [Grammar.State] = []
    private(set) var starts: [Int32] = []
    private(set) var loops: [Grammar.Loop] = []
    private(set) var selectors: [TokenSelector] = []
    private let limits: GrammarLimits
    private var rule: Int32 = 0
    /// The counted loop whose body is being built; -1 for none.
    private var loop: Int32 = -1
    /// Rules made of repetitions inside counted loops, which have one count each.
    private var addedRules: [GrammarNode] = []
    private var ruleCount = 0

    /// Repetitions up to this many states are written out.
    private static let maximumWrittenOutStates = 24

    init(limits: GrammarLimits) { self.limits = limits }

    /// Builds all rules; one that was never made derives nothing.
    mutating func build(_ nodes: [GrammarNode?]) throws(GrammarError) {
        ruleCount = nodes.count
        for node in nodes { try buildRule(node ?? .choice([])) }
        var next = 0
        while next < addedRules.count {
            try buildRule(addedRules[next])
            next += 1
        }
    }

    private mutating func buildRule(_ node: GrammarNode) throws(GrammarError) {
        rule = Int32(starts.count)
        loop = -1
        let start = try newState()
        starts.append(start)
        let end = try build(node, from: start)
        states[Int(end)].isFinal = true
    }

    private mutating func newState() throws(GrammarError) -> Int32 {
        guard states.count < limits.maximumStateCount else {
            throw GrammarError(
                path: "",
                reason: "The grammar is too large: it needs more than "
                    + "\(limits.maximumStateCount) states."
            )
        }
        states.append(Grammar.State(rule: rule, loop: loop))
        return Int32(states.count - 1)
    }

    private mutating func jump(_ from: Int32, _ to: Int32) { states[Int(from)].jumps.append(to) }

    /// Builds a node's automaton from a state; returns the state where it ends.
    private mutating func build(_ node: GrammarNode, from start: Int32) throws(GrammarError)
        -> Int32
    {
        switch node {
        case .bytes(let bytes):
            var state = start
            for byte in bytes {
                let next = try newState()
                states[Int(state)].byteEdges.append(.init(low: byte, high: byte, target: next))
                state = next
            }
            return state
        case .characters(let set, let encoding):
            let end = try newState()
            try connect(start, set, encoding, to: end)
            return end
        case .automaton(let automaton, let encoding):
            return try build(automaton, encoding, from: start)
        case .sequence(let parts):
            var state = start
            for part in parts { state = try build(part, from: state) }
            return state
        case .choice(let parts):
            let end = try newState()
            for part in parts {
                let entry = try newState()
                jump(start, entry)
                jump(try build(part, from: entry), end)
            }
            return end
        case .repetition(let part, let minimum, let maximum):
            return try buildRepetition(part, minimum, maximum, from: start)
        case .rule(let called):
            let end = try newState()
            states[Int(start)].calls.append(.init(rule: Int32(called), target: end))
            return end
        case .bytesWithout(let terminators):
            return try build(ByteSearch(terminators), from: start)
        case .token(let selector):
            let end = try newState()
            selectors.append(selector)
            states[Int(start)].tokenEdges.append(
                .init(selector: Int32(selectors.count - 1), target: end)
            )
            return end
        case .network(let network):
            return try build(network, from: start)
        }
    }

    private mutating func build(
        _ network: GrammarNode.Network,
        from start: Int32
    ) throws(GrammarError) -> Int32 {
        var numbers: [Int32] = []
        for _ in 0..<network.stateCount { numbers.append(try newState()) }
        jump(start, numbers[0])
        for edge in network.edges {
            // A state of its own, since a node's automaton may lead back to where it starts.
            let entry = try newState()
            jump(numbers[edge.source], entry)
            jump(try build(edge.node, from: entry), numbers[edge.target])
        }
        let end = try newState()
        for final in network.finals { jump(numbers[final], end) }
        return end
    }

    // MARK: Characters

    private mutating func connect(
        _ start: Int32,
        _ set: ScalarSet,
        _ encoding: CharacterEncoding,
        to end: Int32
    ) throws(GrammarError) {
        var sequences: [[ClosedRange<UInt8>]] = []
        switch encoding {
        case .plain:
            for range in set.ranges { sequences += UTF8Ranges.sequences(of: range) }
        case .jsonString:
            let plain = set.subtracting(JSONStringEncoding.escaped)
            for range in plain.ranges { sequences += UTF8Ranges.sequences(of: range) }
            for range in set.intersection(JSONStringEncoding.escaped).ranges {
                for scalar in range {
                    sequences.append(JSONStringEncoding.escape(scalar).map { $0...$0 })
                }
            }
        }
        // Sequences share the states of equal endings.
        var endings: [[ClosedRange<UInt8>]: Int32] = [[]: end]
        for sequence in sequences {
            var target = end
            for index in sequence.indices.reversed() where index > 0 {
                let ending = Array(sequence[index...])
                if let known = endings[ending] {
                    target = known
                    continue
                }
                let state = try newState()
                states[Int(state)].byteEdges.append(edge(sequence[index], target))
                endings[ending] = state
                target = state
            }
            states[Int(start)].byteEdges.append(edge(sequence[0], target))
        }
    }

    private func edge(_ range: ClosedRange<UInt8>, _ target: Int32) -> Grammar.ByteEdge {
        Grammar.ByteEdge(low: range.lowerBound, high: range.upperBound, target: target)
    }

    private mutating func build(
        _ automaton: ScalarAutomaton,
        _ encoding: CharacterEncoding,
        from start: Int32
    ) throws(GrammarError) -> Int32 {
        var numbers: [Int32] = []
        for _ in automaton.transitions { numbers.append(try newState()) }
        jump(start, numbers[0])
        let end = try newState()
        for (state, transitions) in automaton.transitions.enumerated() {
            if automaton.isAccepting[state] { jump(numbers[state], end) }
            let byTarget = Dictionary(grouping: transitions, by: \.target)
            for (target, edges) in byTarget.sorted(by: { $0.key < $1.key }) {
                let set = ScalarSet(edges.map(\.range))
                try connect(numbers[state], set, encoding, to: numbers[target])
            }
        }
        return end
    }

    private mutating func build(
        _ search: ByteSearch,
        from start: Int32
    ) throws(GrammarError) -> Int32 {
        var numbers: [Int32] = []
        for _ in search.rows { numbers.append(try newState()) }
        jump(start, numbers[0])
        let end = try newState()
        for (state, row) in search.rows.enumerated() {
            jump(numbers[state], end)
            for (range, target) in row {
                states[Int(numbers[state])].byteEdges.append(edge(range, numbers[target]))
            }
        }
        return end
    }

    // MARK: Repetitions

    private mutating func buildRepetition(
        _ whole: GrammarNode,
        _ minimum: Int,
        _ maximum: Int?,
        from start: Int32
    ) throws(GrammarError) -> Int32 {
        guard maximum != 0 else { return start }
        var part = whole
        var minimum = minimum
        if whole.isNullable {
            // Rounds may be empty, so fewer than the minimum do.
            part = whole.withoutEmptyText
            minimum = 0
        }
        let highest = max(minimum, maximum ?? 0)
        guard highest <= limits.maximumRepetitionCount else {
            throw GrammarError(
                path: "",
                reason: "A part may be repeated at most \(limits.maximumRepetitionCount) times."
            )
        }
        if maximum == nil, minimum <= 1 { return try buildStar(part, minimum, from: start) }
        let size = part.stateEstimate(upTo: Self.maximumWrittenOutStates + 1)
        if highest * size <= Self.maximumWrittenOutStates || highest == 1 {
            return try writeOut(part, minimum, maximum, from: start)
        }
        guard loop < 0 else {
            // A state carries one count: the inner loop becomes a rule of its own.
            addedRules.append(.repetition(part, minimum: minimum, maximum: maximum))
            let end = try newState()
            let called = Int32(ruleCount + addedRules.count - 1)
            states[Int(start)].calls.append(.init(rule: called, target: end))
            return end
        }
        return try buildLoop(part, minimum, maximum, from: start)
    }

    private mutating func buildStar(
        _ part: GrammarNode,
        _ minimum: Int,
        from start: Int32
    ) throws(GrammarError) -> Int32 {
        let head = try newState()
        jump(start, head)
        let end = try build(part, from: head)
        jump(end, head)
        if minimum == 1 { return end }
        let exit = try newState()
        jump(head, exit)
        return exit
    }

    private mutating func writeOut(
        _ part: GrammarNode,
        _ minimum: Int,
        _ maximum: Int?,
        from start: Int32
    ) throws(GrammarError) -> Int32 {
        var state = start
        for _ in 0..<minimum { state = try build(part, from: state) }
        guard let maximum else { return try buildStar(part, 0, from: state) }
        let end = try newState()
        jump(state, end)
        for _ in minimum..<maximum {
            let entry = try newState()
            jump(state, entry)
            state = try build(part, from: entry)
            jump(state, end)
        }
        return end
    }

    private mutating func buildLoop(
        _ part: GrammarNode,
        _ minimum: Int,
        _ maximum: Int?,
        from start: Int32
    ) throws(GrammarError) -> Int32 {
        let exit = try newState()
        loop = Int32(loops.count)
        let head = try newState()
        let body = try newState()
        loops.append(
            Grammar.Loop(
                minimum: Int32(minimum),
                maximum: maximum.map { Int32($0) },
                head: head,
                body: body,
                exit: exit
            )
        )
        states[Int(head)].isLoopHead = true
        jump(start, head)
        let bodyEnd = try build(part, from: body)
        let last = try newState()
        jump(bodyEnd, last)
        states[Int(last)].endsLoopBody = true
        loop = -1
        return exit
    }
}

extension GrammarNode {
    /// About how many states the node takes, counted no further than `limit`.
    func stateEstimate(upTo limit: Int) -> Int {
        switch self {
        case .bytes(let bytes): min(bytes.count, limit)
        case .characters(let set, _):
            set.ranges.allSatisfy { $0.upperBound < 0x80 } ? 1 : min(4, limit)
        case .automaton(let automaton, _): min(automaton.transitions.count, limit)
        case .rule, .token: 1
        case .bytesWithout, .network: limit
        case .repetition(let part, let minimum, let maximum):
            min(limit, part.stateEstimate(upTo: limit) * min(max(minimum, maximum ?? 1, 1), limit))
        case .sequence(let parts), .choice(let parts):
            parts.reduce(0) { sum, part in
                sum >= limit ? limit : min(limit, sum + part.stateEstimate(upTo: limit))
            }
        }
    }
}

extension Grammar {
    /// Turns a rule's call to itself, where nothing follows it, into a jump to the rule's start.
    ///
    /// Lists written by such recursion, `ws ::= [ \t] ws | ""`, are then loops, and their parse
    /// states repeat instead of growing with each round.
    mutating func eliminateTailRecursion() {
        for state in states.indices where states[state].loop < 0 {
            let rule = states[state].rule
            let calls = states[state].calls
            let tail = calls.filter { $0.rule == rule && endsRule($0.target) }
            guard !tail.isEmpty, states[state].loop < 0 else { continue }
            states[state].calls.removeAll { tail.contains($0) }
            states[state].jumps.append(starts[Int(rule)])
        }
    }

    /// Whether a state does nothing but end its rule.
    private func endsRule(_ first: Int32) -> Bool {
        var state = states[Int(first)]
        for _ in 0..<1_000 {
            guard state.byteEdges.isEmpty, state.tokenEdges.isEmpty, state.calls.isEmpty,
                !state.isLoopHead, !state.endsLoopBody
            else { return false }
            if state.isFinal { return state.jumps.isEmpty }
            guard state.jumps.count == 1 else { return false }
            state = states[Int(state.jumps[0])]
        }
        return false
    }

    /// Takes out every edge from which its rule cannot be completed, so that each state that is
    /// reached can go on to a complete output.
    ///
    /// A rule that derives nothing gets the start -1.
    mutating func prune() {
        let isProductive = productiveStates()
        for index in states.indices {
            states[index].byteEdges.removeAll { !isProductive[Int($0.target)] }
            states[index].tokenEdges.removeAll { !isProductive[Int($0.target)] }
            states[index].jumps.removeAll { !isProductive[Int($0)] || Int($0) == index }
            states[index].calls.removeAll { call in
                !isProductive[Int(call.target)] || !isProductive[Int(starts[Int(call.rule)])]
            }
        }
        for index in loops.indices {
            loops[index].hasBody = isProductive[Int(loops[index].body)]
        }
        for rule in starts.indices where !isProductive[Int(starts[rule])] { starts[rule] = -1 }
        shortenJumps()
    }

    private func productiveStates() -> [Bool] {
        var predecessors = [[Int32]](repeating: [], count: states.count)
        for (index, state) in states.enumerated() {
            let source = Int32(index)
            for edge in state.byteEdges { predecessors[Int(edge.target)].append(source) }
            for edge in state.tokenEdges { predecessors[Int(edge.target)].append(source) }
            for target in state.jumps { predecessors[Int(target)].append(source) }
            for call in state.calls {
                predecessors[Int(call.target)].append(source)
                predecessors[Int(starts[Int(call.rule)])].append(source)
            }
        }
        for loop in loops {
            predecessors[Int(loop.exit)].append(loop.head)
            predecessors[Int(loop.body)].append(loop.head)
        }
        var isProductive = [Bool](repeating: false, count: states.count)
        var work = states.indices.map { Int32($0) }
        while let state = work.popLast() {
            guard !isProductive[Int(state)], canComplete(states[Int(state)], isProductive) else {
                continue
            }
            isProductive[Int(state)] = true
            work.append(contentsOf: predecessors[Int(state)])
        }
        return isProductive
    }

    private func canComplete(_ state: State, _ isProductive: [Bool]) -> Bool {
        if state.isLoopHead {
            let loop = loops[Int(state.loop)]
            return isProductive[Int(loop.exit)]
                && (loop.minimum == 0 || isProductive[Int(loop.body)])
        }
        return state.isFinal || state.endsLoopBody
            || state.byteEdges.contains { isProductive[Int($0.target)] }
            || state.tokenEdges.contains { isProductive[Int($0.target)] }
            || state.jumps.contains { isProductive[Int($0)] }
            || state.calls.contains { call in
                isProductive[Int(call.target)] && isProductive[Int(starts[Int(call.rule)])]
            }
    }

    /// Lets edges end behind states that do nothing but jump.
    private mutating func shortenJumps() {
        let targets = states.indices.map { destination(of: Int32($0)) }
        for index in states.indices {
            states[index].byteEdges = states[index].byteEdges.map {
                ByteEdge(low: $0.low, high: $0.high, target: targets[Int($0.target)])
            }
            states[index].tokenEdges = states[index].tokenEdges.map {
                TokenEdge(selector: $0.selector, target: targets[Int($0.target)])
            }
            states[index].jumps = states[index].jumps.map { targets[Int($0)] }
            states[index].calls = states[index].calls.map {
                Call(rule: $0.rule, target: targets[Int($0.target)])
            }
        }
        for rule in starts.indices where starts[rule] >= 0 {
            starts[rule] = targets[Int(starts[rule])]
        }
    }

    private func destination(of first: Int32) -> Int32 {
        var target = first
        for _ in 0..<1_000 {
            let state = states[Int(target)]
            guard state.jumps.count == 1, state.byteEdges.isEmpty, state.tokenEdges.isEmpty,
                state.calls.isEmpty, !state.isFinal, !state.isLoopHead, !state.endsLoopBody
            else { break }
            target = state.jumps[0]
        }
        return target
    }
}

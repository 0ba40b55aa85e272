extension ParseSets {
    /// Finds all places that are reached from some without input: by jumps, by beginning the rules
    /// that are called, and by completing rules.
    struct Closure {
        /// Lent by the sets and given back.
        private(set) var seen: ItemSet
        private var work: [Item] = []
        private var waitsByRule: [Int32: [Wait]] = [:]
        /// Rules that derive the empty text here.
        private var emptyRules: Set<Int32> = []
        private(set) var isAccepting = false
        private(set) var isExit = false
        private(set) var scans: [Item] = []
        private var calling: [Item] = []
        /// Items that may still be handled.
        private(set) var fuel: Int

        init(seen: consuming ItemSet, fuel: Int) {
            self.seen = seen
            self.seen.removeAll()
            self.fuel = fuel
        }

        /// The items of rules that began in earlier sets and go on, in order.
        var kernel: [Item] {
            var items = scans.filter { $0.origin != ParseSets.itself }
            items += calling.filter { $0.origin != ParseSets.itself }
            items.sort()
            var last: Item?
            return items.filter { item in
                defer { last = item }
                return item != last
            }
        }

        var waits: [Wait] {
            waitsByRule.keys.sorted().flatMap { waitsByRule[$0] ?? [] }
        }

        mutating func run(_ items: [Item], in sets: ParseSets) throws(Failure) {
            for item in items { push(item.state, item.count, item.origin) }
            while let item = work.popLast() {
                guard fuel > 0, seen.count <= sets.grammar.limits.maximumItemCount else {
                    throw .tooAmbiguous
                }
                follow(item, in: sets)
            }
        }

        private mutating func push(_ state: Int32, _ count: Int32, _ origin: Int32) {
            let item = Item(state: state, count: count, origin: origin)
            fuel -= 1
            if seen.insert(item) { work.append(item) }
        }

        private mutating func follow(_ item: Item, in sets: ParseSets) {
            // A state's parts are looked at in place: to copy it would cost more than the rest.
            let states = sets.grammar.states
            let index = Int(item.state)
            if states[index].isLoopHead {
                let loop = sets.grammar.loops[Int(states[index].loop)]
                if loop.hasBody, item.count < loop.maximum ?? .max {
                    push(loop.body, item.count, item.origin)
                }
                if item.count >= loop.minimum || item.count == ParseSets.between {
                    push(loop.exit, 0, item.origin)
                }
                return
            }
            if states[index].endsLoopBody {
                let loop = sets.grammar.loops[Int(states[index].loop)]
                // Without a maximum nothing depends on counts above the minimum.
                let count = min(item.count + 1, loop.maximum ?? loop.minimum)
                push(loop.head, item.count < 0 ? item.count : count, item.origin)
            }
            for target in states[index].jumps { push(target, item.count, item.origin) }
            if states[index].isFinal { complete(states[index].rule, item.origin, in: sets) }
            if !states[index].byteEdges.isEmpty || !states[index].tokenEdges.isEmpty {
                scans.append(item)
            }
            guard !states[index].calls.isEmpty else { return }
            calling.append(item)
            for call in states[index].calls {
                let after = Item(state: call.target, count: item.count, origin: item.origin)
                waitsByRule[call.rule, default: []].append(Wait(rule: call.rule, item: after))
                push(sets.grammar.starts[Int(call.rule)], 0, ParseSets.itself)
                if emptyRules.contains(call.rule) { push(after.state, after.count, after.origin) }
            }
        }

        private mutating func complete(_ rule: Int32, _ origin: Int32, in sets: ParseSets) {
            switch origin {
            case ParseSets.itself:
                guard emptyRules.insert(rule).inserted else { return }
                for wait in waitsByRule[rule] ?? [] {
                    push(wait.item.state, wait.item.count, wait.item.origin)
                }
            case ParseSets.outside:
                isAccepting = true
            case ParseSets.unknown:
                isExit = true
            default:
                for item in sets.continuation(of: rule, in: origin) {
                    push(item.state, item.count, item.origin)
                }
            }
        }
    }
}

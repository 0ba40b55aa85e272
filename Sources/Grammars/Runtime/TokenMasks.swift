/// The masks of parse sets: which tokens the grammar allows to follow.
///
/// A mask is made by walking the vocabulary's tree with the grammar beside it; a byte that leads
/// nowhere cuts off the subtree below it. To walk less, a mask is put together from parts that are
/// shared by many sets:
///
/// 1. The items of a set's kernel are grouped by their rule and origin. The set allows what any group
///    allows.
/// 2. What a group allows within its rule depends on the origin in nothing, so it is found once for
///    the group with an unknown origin: the tokens, and the nodes of the tree where the rule ends.
/// 3. From those nodes on, the walk continues in the set that follows the rule in the real origin.
///
/// So the inside of a string is walked once, not for every string property; what differs are the
/// tokens that go on behind the closing quote. For the same reason counts that are far from a
/// loop's limits, farther than one token reaches, are taken for the same.
struct TokenMasks {
    private struct Group: Hashable {
        let rule: Int32
        let origin: Int32
    }

    /// What a group of items allows within its rule.
    private struct Inside {
        let mask: TokenMask
        /// Nodes with children at which the rule may end.
        let exits: [Int32]
    }

    let vocabulary: GrammarVocabulary
    private let selectors: [ResolvedSelector]
    private let maximumCount: Int
    private var masks: [Int32: TokenMask] = [:]
    private var insides: [Int32: Inside] = [:]
    /// Scratch: the sets on the way to the current node, by depth.
    private var path: [Int32]

    init(vocabulary: GrammarVocabulary, selectors: [ResolvedSelector], limits: GrammarLimits) {
        self.vocabulary = vocabulary
        self.selectors = selectors
        let byteCount = max(vocabulary.tokenCount / 8, 1)
        maximumCount = max(limits.maximumMaskByteCount / byteCount, 4)
        path = [Int32](repeating: 0, count: vocabulary.longestTokenByteCount + 1)
    }

    /// The tokens that may follow in a set, tokens that end the output among them.
    mutating func mask(
        of set: Int32,
        in sets: inout ParseSets
    ) throws(ParseSets.Failure) -> TokenMask {
        if let known = masks[set] { return known }
        var mask = TokenMask(count: vocabulary.tokenCount)
        var groups: [Group: [ParseSets.Item]] = [:]
        var order: [Group] = []
        for item in sets.contents[Int(set)].kernel {
            let rule = sets.grammar.states[Int(item.state)].rule
            let group = Group(rule: rule, origin: item.origin)
            if groups[group] == nil { order.append(group) }
            groups[group, default: []].append(item)
        }
        for group in order {
            let inside = try self.inside(groups[group] ?? [], in: &sets)
            mask.formUnion(inside.mask)
            guard group.origin != ParseSets.outside, !inside.exits.isEmpty else { continue }
            let items = sets.continuation(of: group.rule, in: group.origin)
            let next = try sets.set(of: items)
            guard next != ParseSets.dead else { continue }
            for exit in inside.exits {
                try walk(from: next, below: Int(exit), in: &sets, into: &mask)
            }
        }
        addTokenEdges(of: set, in: sets, to: &mask)
        for duplicate in vocabulary.duplicates where mask.contains(duplicate[0]) {
            for token in duplicate { mask.insert(token) }
        }
        if sets.isAccepting[Int(set)] {
            for token in vocabulary.endTokens { mask.insert(token) }
        }
        if masks.count >= maximumCount { masks = [:] }
        masks[set] = mask
        return mask
    }

    private mutating func inside(
        _ items: [ParseSets.Item],
        in sets: inout ParseSets
    ) throws(ParseSets.Failure) -> Inside {
        var seen: Set<ParseSets.Item> = []
        let freed = items.map { item in
            ParseSets.Item(
                state: item.state,
                count: representative(of: item, in: sets),
                origin: ParseSets.unknown
            )
        }.filter { seen.insert($0).inserted }
        let set = try sets.set(of: freed)
        if let known = insides[set] { return known }
        var mask = TokenMask(count: vocabulary.tokenCount)
        let exits = try walk(from: set, below: nil, in: &sets, into: &mask)
        let inside = Inside(mask: mask, exits: exits)
        if insides.count >= maximumCount { insides = [:] }
        insides[set] = inside
        return inside
    }

    /// A count that allows the same for as long as one token can last: its rounds are no more than
    /// its bytes.
    private func representative(of item: ParseSets.Item, in sets: ParseSets) -> Int32 {
        let state = sets.grammar.states[Int(item.state)]
        guard state.loop >= 0 else { return item.count }
        let loop = sets.grammar.loops[Int(state.loop)]
        let reach = Int(vocabulary.longestTokenByteCount) + 1
        let count = Int(item.count)
        if count + reach < loop.minimum { return 0 }
        guard count >= loop.minimum, let maximum = loop.maximum, count + reach < maximum else {
            return item.count
        }
        return loop.minimum
    }

    /// Walks the tree below a node, which led to a set, and adds the tokens that the grammar allows.
    ///
    /// - Returns: The nodes with children whose set is an exit.
    @discardableResult
    private mutating func walk(
        from set: Int32,
        below top: Int?,
        in sets: inout ParseSets,
        into mask: inout TokenMask
    ) throws(ParseSets.Failure) -> [Int32] {
        let nodes = vocabulary.nodes
        let classes = sets.classes.classes
        let classCount = sets.classCount
        var node = top.map { $0 + 1 } ?? 0
        let end = top.map { Int(nodes[$0].subtreeEnd) } ?? nodes.count
        path[top.map { Int(nodes[$0].depth) } ?? 0] = set
        var exits: [Int32] = []
        while node < end {
            let current = nodes[node]
            let depth = Int(current.depth)
            let parent = path[depth - 1]
            let byteClass = classes[Int(current.byte)]
            var next = sets.rows[Int(parent) * classCount + Int(byteClass)]
            if next == ParseSets.unmade { next = try sets.next(parent, byteClass) }
            if next == ParseSets.dead {
                node = Int(current.subtreeEnd)
                continue
            }
            if current.token >= 0 { mask.insert(current.token) }
            node += 1
            guard Int(current.subtreeEnd) > node else { continue }
            path[depth] = next
            if sets.isExit[Int(next)] { exits.append(Int32(node - 1)) }
        }
        return exits
    }

    private func addTokenEdges(of set: Int32, in sets: ParseSets, to mask: inout TokenMask) {
        guard !selectors.isEmpty else { return }
        for item in sets.contents[Int(set)].scans {
            for edge in sets.grammar.states[Int(item.state)].tokenEdges {
                mask.formUnion(selectors[Int(edge.selector)].mask)
            }
        }
    }

    /// Where a token leads by edges that take whole tokens, before closure.
    func tokenMoves(_ token: Int32, from set: Int32, in sets: ParseSets) -> [ParseSets.Item] {
        guard !selectors.isEmpty else { return [] }
        var items: [ParseSets.Item] = []
        for item in sets.contents[Int(set)].scans {
            for edge in sets.grammar.states[Int(item.state)].tokenEdges
            where selectors[Int(edge.selector)].mask.contains(token) {
                items.append(sets.moved(item, to: edge.target, in: set))
            }
        }
        return items
    }
}

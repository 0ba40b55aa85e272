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
/// loop's limits are taken for the same: farther than any token reaches, or farther than short tokens
/// reach, and then the few long ones are tried with the real count.
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
    /// By set; of those that hold for short tokens only the number's complement.
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
        var omitsLongTokens = false
        for group in order {
            let items = groups[group] ?? []
            let isVague = items.contains { isNearLimit($0, in: sets) }
            omitsLongTokens = omitsLongTokens || isVague
            let inside = try self.inside(items, onlyShortTokens: isVague, in: &sets)
            mask.formUnion(inside.mask)
            guard group.origin != ParseSets.outside, !inside.exits.isEmpty else { continue }
            let after = sets.continuation(of: group.rule, in: group.origin)
            let next = try sets.set(of: after)
            guard next != ParseSets.dead else { continue }
            for exit in inside.exits {
                try walk(from: next, below: Int(exit), in: &sets, into: &mask)
            }
        }
        if omitsLongTokens { try addLongTokens(of: set, in: &sets, to: &mask) }
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
        onlyShortTokens: Bool,
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
        let key = onlyShortTokens ? ~set : set
        if let known = insides[key] { return known }
        var mask = TokenMask(count: vocabulary.tokenCount)
        let exits = try walk(
            from: set,
            below: nil,
            onlyShortTokens: onlyShortTokens,
            in: &sets,
            into: &mask
        )
        let inside = Inside(mask: mask, exits: exits)
        if insides.count >= maximumCount { insides = [:] }
        insides[key] = inside
        return inside
    }

    /// What stands for an item's count: a vague one if the loop's limits are farther than short tokens
    /// reach, whose rounds are no more than their bytes.
    private func representative(of item: ParseSets.Item, in sets: ParseSets) -> Int32 {
        let reach = Int32(min(vocabulary.longestTokenByteCount, Self.shortReach) + 1)
        return vagueCount(of: item, reach: reach, in: sets) ?? item.count
    }

    /// Whether an item's count is vague for short tokens but not for long ones.
    private func isNearLimit(_ item: ParseSets.Item, in sets: ParseSets) -> Bool {
        guard vocabulary.longestTokenByteCount > Self.shortReach else { return false }
        let reach = Int32(vocabulary.longestTokenByteCount + 1)
        return vagueCount(of: item, reach: Int32(Self.shortReach + 1), in: sets)
            != vagueCount(of: item, reach: reach, in: sets)
    }

    private static let shortReach = GrammarVocabulary.shortTokenByteCount

    private func vagueCount(
        of item: ParseSets.Item,
        reach: Int32,
        in sets: ParseSets
    ) -> Int32? {
        let state = sets.grammar.states[Int(item.state)]
        guard state.loop >= 0 else { return nil }
        let loop = sets.grammar.loops[Int(state.loop)]
        if item.count + reach < loop.minimum { return ParseSets.below }
        guard item.count >= loop.minimum, item.count + reach < loop.maximum ?? .max else {
            return nil
        }
        return ParseSets.between
    }

    private mutating func addLongTokens(
        of set: Int32,
        in sets: inout ParseSets,
        to mask: inout TokenMask
    ) throws(ParseSets.Failure) {
        for beginning in vocabulary.longBeginnings {
            var next = set
            for byte in beginning.bytes where next != ParseSets.dead {
                next = try sets.next(next, sets.classes.classes[Int(byte)])
            }
            guard next != ParseSets.dead else { continue }
            try walk(from: next, below: Int(beginning.node), in: &sets, into: &mask)
        }
    }

    /// Walks the tree below a node, which led to a set, and adds the tokens that the grammar allows.
    ///
    /// - Returns: The nodes with children whose set is an exit.
    @discardableResult
    private mutating func walk(
        from set: Int32,
        below top: Int?,
        onlyShortTokens: Bool = false,
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
        let deepest = onlyShortTokens ? Self.shortReach : Int.max
        while node < end {
            let current = nodes[node]
            let depth = Int(current.depth)
            guard depth <= deepest else {
                node = Int(current.subtreeEnd)
                continue
            }
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

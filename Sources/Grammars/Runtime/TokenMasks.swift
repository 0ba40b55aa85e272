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

    /// Whether the mask of a set has been made and is kept.
    func knows(_ set: Int32) -> Bool { masks[set] != nil }

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
            let freed = try sets.set(of: freed(items, in: sets))
            if group.origin != ParseSets.outside, try sets.endsWithinText(from: freed),
                try addThroughEnds(items, in: &sets, to: &mask)
            {
                continue
            }
            let isVague = items.contains { isNearLimit($0, in: sets) }
            omitsLongTokens = omitsLongTokens || isVague
            let inside = try self.inside(freed, onlyShortTokens: isVague, in: &sets)
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

    /// Adds what a group allows, in its rule and behind it, in one walk: better where the rule may
    /// end at thousands of nodes.
    ///
    /// - Returns: Whether it did; the grammar may be too ambiguous for this to be the shorter way.
    private mutating func addThroughEnds(
        _ items: [ParseSets.Item],
        in sets: inout ParseSets,
        to mask: inout TokenMask
    ) throws(ParseSets.Failure) -> Bool {
        try sets.explore { (sets) throws(ParseSets.Failure) in
            try walk(from: try sets.set(of: items), below: nil, in: &sets, into: &mask)
        } != nil
    }

    /// Items of one group with an unknown origin.
    private func freed(_ items: [ParseSets.Item], in sets: ParseSets) -> [ParseSets.Item] {
        var seen: Set<ParseSets.Item> = []
        return items.map { item in
            ParseSets.Item(
                state: item.state,
                count: representative(of: item, in: sets),
                // Around the whole grammar there is nothing to go on with.
                origin: item.origin == ParseSets.outside ? item.origin : ParseSets.unknown
            )
        }.filter { seen.insert($0).inserted }
    }

    private mutating func inside(
        _ set: Int32,
        onlyShortTokens: Bool,
        in sets: inout ParseSets
    ) throws(ParseSets.Failure) -> Inside {
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
        path[top.map { Int(vocabulary.nodes[$0].depth) } ?? 0] = set
        let deepest = onlyShortTokens ? Self.shortReach : .max
        let slice = top == nil ? try sets.textSlice(from: set) : .nothing
        if slice != .nothing {
            let longest = min(deepest, slice.maximumByteCount)
            mask.formUnion(vocabulary.slices.mask(of: slice, maximumByteCount: longest))
        }
        var walk = TreeWalk(
            vocabulary,
            below: top,
            deepest: deepest,
            skipping: slice
        )
        while let missing = walk.advance(vocabulary, sets, path: &path, words: &mask.words) {
            _ = try sets.next(missing.set, missing.byteClass)
        }
        return walk.exits
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

/// A walk over a part of the vocabulary's tree with the grammar's transitions beside it.
///
/// It stops where a transition isn't made yet, and goes on from there.
struct TreeWalk {
    /// The node to look at next.
    private(set) var node: Int
    /// The node behind the part.
    private let end: Int
    /// Nodes deeper than this are left out.
    private let deepest: Int
    /// Tokens that are left out.
    private let slice: TextSlice
    /// Nodes with children at which the rule ends that began in the unknown set.
    private(set) var exits: [Int32] = []

    /// Begins at the first node below `top`, or of the whole tree if that is nil.
    init(_ vocabulary: GrammarVocabulary, below top: Int?, deepest: Int, skipping slice: TextSlice)
    {
        self.slice = slice
        node = top.map { $0 + 1 } ?? 0
        end = top.map { Int(vocabulary.nodes[$0].subtreeEnd) } ?? vocabulary.nodes.count
        self.deepest = deepest
    }

    /// Walks on.
    ///
    /// - Parameters:
    ///   - vocabulary: Whose tree.
    ///   - sets: With the transitions.
    ///   - path: The sets on the way to the current node, by depth.
    ///   - words: The bits of tokens, to which those that the grammar allows are added.
    /// - Returns: The set and the class of bytes whose transition isn't made; nil at the end.
    mutating func advance(
        _ vocabulary: GrammarVocabulary,
        _ sets: ParseSets,
        path: inout [Int32],
        words: inout [UInt64]
    ) -> (set: Int32, byteClass: UInt8)? {
        // Spans, since every node counts: arrays would be checked for other owners each time.
        let tree = vocabulary.nodes
        let nodes = tree.span
        let classOfByte = sets.classes.classes
        let classes = classOfByte.span
        let classCount = sets.classCount
        let transitions = sets.rows
        let rows = transitions.span
        let exitFlags = sets.isExit
        let isExit = exitFlags.span
        var path = path.mutableSpan
        var words = words.mutableSpan
        let others = ~slice.categories
        let longest = UInt8(clamping: slice.maximumByteCount)
        var node = node
        defer { self.node = node }
        while node < end {
            let current = nodes[node]
            let depth = Int(current.depth)
            guard depth <= deepest, current.categories & others != 0 || current.longest > longest
            else {
                node = Int(current.subtreeEnd)
                continue
            }
            let parent = path[depth - 1]
            let byteClass = classes[Int(current.byte)]
            let next = rows[Int(parent) * classCount + Int(byteClass)]
            if next <= ParseSets.dead {
                if next == ParseSets.unmade { return (parent, byteClass) }
                node = Int(current.subtreeEnd)
                continue
            }
            let token = Int(current.token)
            if token >= 0 { words[token >> 6] |= 1 << UInt64(token & 63) }
            node += 1
            guard Int(current.subtreeEnd) > node else { continue }
            path[depth] = next
            if isExit[Int(next)] { exits.append(Int32(node - 1)) }
        }
        return nil
    }
}

/// A tokenizer's vocabulary as constraints need it: the tokens' bytes as a tree.
///
/// Safe from any thread, since nothing of it changes but a cache behind a lock; one for each model.
package final class GrammarVocabulary: Sendable {
    /// A node of the tree; nodes are in depth-first order, so that a subtree is a range of them.
    struct Node: Sendable {
        /// The node behind the subtree.
        var subtreeEnd: Int32
        /// The first token whose bytes lead here; -1 for none.
        var token: Int32
        /// The number of bytes that lead here, 1 or more.
        let depth: UInt16
        let byte: UInt8
        /// The number of bytes of the subtree's longest token, 255 for more.
        var longest: UInt8
        /// The ``TextCategories`` of all bytes that lead here and of all in the subtree.
        var categories: UInt32
    }

    /// The number of tokens; ids are below it.
    package let tokenCount: Int
    /// Tokens that steer the model and have no text.
    let controlTokens: [Int32]
    /// Those of them that end an output.
    let endTokens: [Int32]
    let nodes: [Node]
    /// Groups of tokens with equal bytes, of which the tree has only the first.
    let duplicates: [[Int32]]
    /// The most bytes of one token.
    let longestTokenByteCount: Int
    /// The bytes of a long token's beginning, and the node they lead to; long tokens are below these.
    let longBeginnings: [(bytes: [UInt8], node: Int32)]
    /// The masks of text slices.
    let slices: SliceMasks
    /// Few tokens have more bytes than this.
    static let shortTokenByteCount = 24
    private let isControl: [Bool]
    private let controlTexts: [[UInt8]: Int32]
    private let pool: [UInt8]
    private let offsets: [Int32]

    /// Makes the tree.
    ///
    /// - Parameters:
    ///   - tokens: The bytes of each token, for a control token those of its name. A token without
    ///     bytes is never allowed.
    ///   - controlTokens: Tokens that are no text.
    ///   - endTokens: Control tokens that end an output.
    /// - Complexity: O(n log n) in the number of tokens.
    package init(
        tokens: some Collection<[UInt8]>,
        controlTokens: Set<Int32>,
        endTokens: Set<Int32>
    ) {
        tokenCount = tokens.count
        let control = controlTokens.union(endTokens)
        self.controlTokens = control.sorted()
        self.endTokens = endTokens.sorted()
        isControl = (0..<tokens.count).map { control.contains(Int32($0)) }
        var pool: [UInt8] = []
        var offsets: [Int32] = [0]
        var texts: [[UInt8]: Int32] = [:]
        for (index, bytes) in tokens.enumerated() {
            pool.append(contentsOf: bytes)
            offsets.append(Int32(pool.count))
            if isControl[index] { texts[bytes] = texts[bytes] ?? Int32(index) }
        }
        controlTexts = texts
        var tree = TreeBuilder(pool: pool, offsets: offsets)
        for token in Self.sorted(pool, offsets, isControl: isControl) { tree.add(token) }
        tree.finish()
        nodes = tree.nodes
        duplicates = tree.duplicates
        longestTokenByteCount = tree.longest
        slices = SliceMasks(
            tokens: (0..<tokens.count).lazy.map { token in
                pool[Int(offsets[token])..<Int(offsets[token + 1])]
            },
            isControl: isControl
        )
        longBeginnings = Self.longBeginnings(tree.nodes)
        self.pool = pool
        self.offsets = offsets
    }

    func isControl(_ token: Int32) -> Bool { isControl[Int(token)] }

    func bytes(of token: Int32) -> ArraySlice<UInt8> {
        pool[Int(offsets[Int(token)])..<Int(offsets[Int(token) + 1])]
    }

    /// The control token with this text.
    func controlToken(_ text: String) -> Int32? { controlTexts[Array(text.utf8)] }

    /// The token with this text, control tokens first.
    func token(_ text: String) -> Int32? {
        let wanted = Array(text.utf8)
        if let token = controlTexts[wanted] { return token }
        return (0..<Int32(tokenCount)).first {
            !isControl($0) && bytes(of: $0).elementsEqual(wanted)
        }
    }

    /// A text in tokens, each the longest that there is; less of it if no token goes on.
    func longestTokens(of text: [UInt8]) -> [Int32] {
        var tokens: [Int32] = []
        var start = 0
        while start < text.count {
            var found: (token: Int32, end: Int)?
            var node = 0
            var end = nodes.count
            var place = start
            while place < text.count, node < end {
                let current = nodes[node]
                guard current.byte == text[place] else {
                    node = Int(current.subtreeEnd)
                    continue
                }
                place += 1
                if current.token >= 0 { found = (current.token, place) }
                node += 1
                end = Int(current.subtreeEnd)
            }
            guard let found else { break }
            tokens.append(found.token)
            start = found.end
        }
        return tokens
    }

    private static func longBeginnings(_ nodes: [Node]) -> [(bytes: [UInt8], node: Int32)] {
        var path: [UInt8] = []
        var result: [(bytes: [UInt8], node: Int32)] = []
        for (index, node) in nodes.enumerated() {
            path.removeLast(path.count - Int(node.depth) + 1)
            path.append(node.byte)
            if path.count == shortTokenByteCount, Int(node.subtreeEnd) > index + 1 {
                result.append((path, Int32(index)))
            }
        }
        return result
    }

    /// The tokens that have text, ordered by their bytes, of equal ones by their ids.
    private static func sorted(
        _ pool: [UInt8],
        _ offsets: [Int32],
        isControl: [Bool]
    ) -> [Int32] {
        struct Key {
            /// The first eight bytes, the first of them highest; most comparisons end there.
            let prefix: UInt64
            let token: Int32
        }
        func range(_ token: Int32) -> Range<Int> {
            Int(offsets[Int(token)])..<Int(offsets[Int(token) + 1])
        }
        var keys: [Key] = []
        for index in isControl.indices where !isControl[index] {
            let range = range(Int32(index))
            // A token's depth in the tree is a 16-bit number.
            guard !range.isEmpty, range.count < 1 << 15 else { continue }
            var prefix: UInt64 = 0
            for place in 0..<8 {
                let byte = place < range.count ? pool[range.lowerBound + place] : 0
                prefix = prefix << 8 | UInt64(byte)
            }
            keys.append(Key(prefix: prefix, token: Int32(index)))
        }
        keys.sort { left, right in
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            let first = pool[range(left.token)]
            let second = pool[range(right.token)]
            if first.elementsEqual(second) { return left.token < right.token }
            return first.lexicographicallyPrecedes(second)
        }
        return keys.map(\.token)
    }
}

/// Makes the tree out of tokens that come in the order of their bytes.
private struct TreeBuilder {
    private let pool: [UInt8]
    private let offsets: [Int32]
    private(set) var nodes: [GrammarVocabulary.Node] = []
    private(set) var duplicates: [[Int32]] = []
    private(set) var longest = 0
    /// The nodes on the way to the last token.
    private var path: [Int] = []

    init(pool: [UInt8], offsets: [Int32]) {
        self.pool = pool
        self.offsets = offsets
    }

    mutating func add(_ token: Int32) {
        let range = Int(offsets[Int(token)])..<Int(offsets[Int(token) + 1])
        longest = max(longest, range.count)
        var common = 0
        while common < path.count, common < range.count,
            nodes[path[common]].byte == pool[range.lowerBound + common]
        {
            common += 1
        }
        close(keeping: common)
        var reader = TextCategories.Reader()
        for byte in pool[range].prefix(common) { reader.read(byte) }
        for depth in common..<range.count {
            let byte = pool[range.lowerBound + depth]
            reader.read(byte)
            path.append(nodes.count)
            nodes.append(
                GrammarVocabulary.Node(
                    subtreeEnd: 0,
                    token: -1,
                    depth: UInt16(depth + 1),
                    byte: byte,
                    longest: UInt8(clamping: depth + 1),
                    categories: reader.categories
                )
            )
        }
        let last = path[path.count - 1]
        if nodes[last].token < 0 {
            nodes[last].token = token
        } else if duplicates.last?.first == nodes[last].token {
            duplicates[duplicates.count - 1].append(token)
        } else {
            duplicates.append([nodes[last].token, token])
        }
    }

    mutating func finish() { close(keeping: 0) }

    private mutating func close(keeping count: Int) {
        while path.count > count {
            let last = path.removeLast()
            nodes[last].subtreeEnd = Int32(nodes.count)
            guard let parent = path.last else { break }
            nodes[parent].categories |= nodes[last].categories
            nodes[parent].longest = max(nodes[parent].longest, nodes[last].longest)
        }
    }
}

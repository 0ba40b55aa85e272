/// The sets of places a grammar can be at after some output, made as they are needed.
///
/// After Earley: a set holds items, each a state of a rule's automaton with the set in which the
/// rule began. Here sets refer to one another by content: a set that is equal to an earlier one *is*
/// that one. So a place that recurs, in the tenth element of an array as in the second, is one set,
/// with its transitions and its token mask already known, and following a grammar is mostly
/// looking up a table.
struct ParseSets {
    /// A place in the grammar.
    struct Item: Hashable, Comparable {
        let state: Int32
        /// The rounds begun of the loop the state belongs to, 0 for none; or ``between`` or
        /// ``below``.
        let count: Int32
        /// The set in which the state's rule began; ``itself`` if that is the set the item is in.
        let origin: Int32

        /// A number that differs for most items, all of whose bits depend on the item.
        var digest: UInt64 {
            let place = UInt64(UInt32(bitPattern: state)) << 32 | UInt64(UInt32(bitPattern: origin))
            let mixed = (place ^ place >> 29) &* 0xBF58_476D_1CE4_E5B9
            let counted = mixed ^ UInt64(UInt32(bitPattern: count)) &* 0x9E37_79B9_7F4A_7C15
            return (counted ^ counted >> 32) &* 0x94D0_49BB_1331_11EB
        }

        func hash(into hasher: inout Hasher) {
            // One number, since sets of items are where the time goes.
            hasher.combine(digest)
        }

        static func < (left: Item, right: Item) -> Bool {
            if left.origin != right.origin { return left.origin < right.origin }
            if left.state != right.state { return left.state < right.state }
            return left.count < right.count
        }
    }

    /// A place that is reached when a rule that begins in this set has been derived.
    struct Wait: Hashable {
        let rule: Int32
        let item: Item
    }

    struct Contents {
        /// Items with edges.
        var scans: [Item]
        /// Ordered by rule.
        var waits: [Wait]
        /// The items of rules that began earlier: what tells sets apart.
        var kernel: [Item]
    }

    private struct Key: Hashable {
        let kernel: [Item]
        let isAccepting: Bool
        let isExit: Bool
    }

    /// Why the grammar cannot be followed.
    enum Failure: Error {
        /// The sets outgrow their memory: they may be forgotten and made again.
        case full
        /// Too many places at once.
        case tooAmbiguous
    }

    /// The set of no place: the output doesn't follow the grammar.
    static let dead: Int32 = 0
    /// Stands for what is around the whole grammar.
    static let outside: Int32 = 1
    /// Stands for any set: see ``TokenMasks``.
    static let unknown: Int32 = 2
    static let itself: Int32 = -1
    /// A count of at least the loop's minimum that its maximum is far from.
    static let between: Int32 = -1
    /// A count that the loop's minimum is far from.
    static let below: Int32 = -2
    static let unmade: Int32 = -1

    let grammar: Grammar
    let classes: ByteClasses
    let textClasses: TextClasses
    let classCount: Int
    private(set) var contents: [Contents] = []
    /// Whether the output may end here.
    private(set) var isAccepting: [Bool] = []
    /// Whether a rule that began in the unknown set ends here.
    private(set) var isExit: [Bool] = []
    /// For each set and class of bytes the set that follows, ``dead``, or ``unmade``.
    private(set) var rows: [Int32] = []
    /// Items that may still be handled in the operation under way.
    var fuel = 0
    /// For closures, one after the other.
    private var scratch: ItemSet? = ItemSet()
    private var sets: [Key: Int32] = [:]
    /// The sets made of lists of items, before closure.
    private var closures: [[Item]: Int32] = [:]

    init(_ grammar: Grammar) {
        self.grammar = grammar
        classes = ByteClasses(grammar)
        textClasses = TextClasses(classes)
        classCount = classes.representatives.count
        for _ in 0..<3 { append(Contents(scans: [], waits: [], kernel: [])) }
    }

    /// The set before any output.
    mutating func start() throws(Failure) -> Int32 {
        let first = grammar.starts[Int(grammar.rootRule)]
        return try set(of: [Item(state: first, count: 0, origin: Self.outside)])
    }

    /// The set after one more byte of a class.
    mutating func next(_ set: Int32, _ byteClass: UInt8) throws(Failure) -> Int32 {
        let index = Int(set) * classCount + Int(byteClass)
        let known = rows[index]
        if known != Self.unmade { return known }
        let items = moves(from: set, byte: classes.representatives[Int(byteClass)])
        let next = try self.set(of: items)
        rows[index] = next
        return next
    }

    /// The only byte that may follow in a set where the output cannot end; nil if there are several.
    mutating func forcedByte(from set: Int32) throws(Failure) -> UInt8? {
        guard !isAccepting[Int(set)] else { return nil }
        for item in contents[Int(set)].scans
        where !grammar.states[Int(item.state)].tokenEdges.isEmpty {
            return nil
        }
        var forced: UInt8?
        for (byteClass, byte) in classes.representatives.enumerated()
        where try next(set, UInt8(byteClass)) != Self.dead {
            guard forced == nil, classes.isSingle[byteClass] else { return nil }
            forced = byte
        }
        return forced
    }

    /// Where a byte leads, before closure.
    func moves(from set: Int32, byte: UInt8) -> [Item] {
        var items: [Item] = []
        for item in contents[Int(set)].scans {
            for edge in grammar.states[Int(item.state)].byteEdges
            where edge.low <= byte && byte <= edge.high {
                items.append(moved(item, to: edge.target, in: set))
            }
        }
        return items
    }

    func moved(_ item: Item, to target: Int32, in set: Int32) -> Item {
        let origin = item.origin == Self.itself ? set : item.origin
        return Item(state: target, count: item.count, origin: origin)
    }

    /// Where a set leads once a rule that began in it has been derived, before closure.
    func continuation(of rule: Int32, in set: Int32) -> [Item] {
        contents[Int(set)].waits.lazy.filter { $0.rule == rule }.map {
            moved($0.item, to: $0.item.state, in: set)
        }
    }

    /// The set of some items and all places that are reached from them without input.
    mutating func set(of items: [Item]) throws(Failure) -> Int32 {
        if items.isEmpty { return Self.dead }
        if let known = closures[items] { return known }
        var closure = Closure(seen: scratch ?? ItemSet(), fuel: fuel)
        scratch = nil
        defer {
            fuel = closure.fuel
            scratch = closure.seen
        }
        try closure.run(items, in: self)
        let kernel = closure.kernel
        let key = Key(
            kernel: kernel,
            isAccepting: closure.isAccepting,
            isExit: closure.isExit
        )
        if kernel.isEmpty, !key.isAccepting, !key.isExit { return Self.dead }
        let set: Int32
        if let known = sets[key] {
            set = known
        } else {
            guard contents.count < grammar.limits.maximumParseStateCount else { throw .full }
            set = Int32(contents.count)
            append(Contents(scans: closure.scans, waits: closure.waits, kernel: kernel))
            isAccepting[Int(set)] = key.isAccepting
            isExit[Int(set)] = key.isExit
            sets[key] = set
        }
        if closures.count < 2 * grammar.limits.maximumParseStateCount { closures[items] = set }
        return set
    }

    private mutating func append(_ content: Contents) {
        contents.append(content)
        isAccepting.append(false)
        isExit.append(false)
        rows.append(contentsOf: repeatElement(Self.unmade, count: classCount))
    }
}

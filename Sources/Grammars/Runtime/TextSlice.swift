/// Tokens that are known to be allowed, or not, without a walk: those that consist of some
/// categories of characters.
struct TextSlice: Hashable {
    /// The ``TextCategories`` whose tokens the slice decides about.
    let categories: UInt32
    /// Of those, tokens of up to so many characters are allowed; the last one may be only begun.
    let maximumCharacterCount: Int
    /// Whether it is open if longer ones are allowed; otherwise they aren't.
    var leavesOutLongTokens = false

    /// The bytes of the longest tokens that the slice decides about.
    var maximumByteCount: Int { leavesOutLongTokens ? maximumCharacterCount : .max }

    /// The slice that decides about nothing.
    static let nothing = TextSlice(categories: 0, maximumCharacterCount: 0)
}

extension ParseSets {
    /// The tokens of texts that can be told to be allowed in a set without following them.
    ///
    /// Inside of a text most characters lead from a set to itself. Where they are counted, they lead
    /// along a chain of sets, the same for all of them, up to one from where none goes on. So of tokens
    /// with nothing else in them the number of their characters alone says whether they are allowed.
    ///
    /// - Returns: ``TextSlice/nothing`` also where finding more would take long.
    mutating func textSlice(from start: Int32) throws(Failure) -> TextSlice {
        try explore { (sets) throws(Failure) in try sets.findTextSlice(from: start) } ?? .nothing
    }

    /// Whether the unknown set's rule may end wherever a text with small letters goes on from a set.
    mutating func endsWithinText(from set: Int32) throws(Failure) -> Bool {
        let target = try explore { (sets) throws(Failure) in try sets.target(of: 0, from: set) }
        return target.map { target in target.map { isExit[Int($0)] } ?? false } ?? false
    }

    /// Does something that need not succeed: it may turn out too ambiguous without harm, and what it
    /// costs, which isn't much, doesn't count.
    ///
    /// - Returns: What `body` returns; nil when it was too ambiguous.
    mutating func explore<Result>(
        _ body: (inout ParseSets) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        let kept = fuel
        fuel = Self.explorationFuel
        defer { fuel = kept }
        do throws(Failure) {
            return try body(&self)
        } catch {
            guard case .tooAmbiguous = error else { throw error }
            return nil
        }
    }

    private mutating func findTextSlice(from start: Int32) throws(Failure) -> TextSlice {
        var categories = TextCategories.all
        var set = start
        for count in 0..<Self.longestChain {
            guard !isExit[Int(set)] else { return .nothing }
            var next: Int32?
            for category in 0..<TextCategories.count where categories >> UInt32(category) & 1 == 1 {
                let target = try target(of: category, from: set)
                if let target, next == nil, count > 0 || target != Self.dead { next = target }
                if target == nil || target != next { categories &= ~(1 << UInt32(category)) }
            }
            guard let next else { return .nothing }
            // A few tokens aren't worth it.
            guard categories & TextCategories.commonest != 0 else { return .nothing }
            if next == Self.dead {
                return TextSlice(categories: categories, maximumCharacterCount: count)
            }
            if next == set {
                return TextSlice(categories: categories, maximumCharacterCount: .max)
            }
            set = next
        }
        guard !isExit[Int(set)] else { return .nothing }
        return TextSlice(
            categories: categories,
            maximumCharacterCount: Self.longestChain,
            leavesOutLongTokens: true
        )
    }

    private static let explorationFuel = 5_000

    /// Sets of a chain looked at, more than the characters that are counted one by one.
    private static let longestChain = GrammarVocabulary.shortTokenByteCount + 8

    /// Where all characters of a category lead; nil if not to the same set, or past one where the
    /// unknown set's rule ends.
    private mutating func target(of category: Int, from set: Int32) throws(Failure) -> Int32? {
        if category < TextCategories.beyondASCII {
            return try target(of: textClasses.ascii[category], from: set)
        }
        var common: Int32?
        for classes in textClasses.sequences {
            var target: Int32? = set
            for (place, classes) in classes.enumerated() {
                guard let from = target, from != Self.dead || place == 0 else { break }
                if place > 0, isExit[Int(from)] { return nil }
                target = try self.target(of: classes, from: from)
                if place > 0, target == Self.dead { return nil }
            }
            guard let target, common == nil || common == target else { return nil }
            common = target
        }
        return common
    }

    /// Where all of some classes lead; nil if not to the same set.
    private mutating func target(of classes: [UInt8], from set: Int32) throws(Failure) -> Int32? {
        var common: Int32?
        for byteClass in classes {
            let target = try next(set, byteClass)
            guard common == nil || common == target else { return nil }
            common = target
        }
        return common
    }

    /// The characters of texts as a grammar's classes of bytes.
    struct TextClasses {
        /// Of each ASCII category.
        let ascii: [[UInt8]]
        /// All other characters: for each form they have, the classes of its bytes one after the other.
        let sequences: [[[UInt8]]]

        init(_ classes: ByteClasses) {
            func distinct(_ bytes: some Sequence<UInt8>) -> [UInt8] {
                Set(bytes.map { classes.classes[Int($0)] }).sorted()
            }
            ascii = (0..<TextCategories.beyondASCII).map {
                distinct(TextCategories.bytes(of: $0))
            }
            let ranges = [0x80...0xD7FF, 0xE000...0x10FFFF] as [ClosedRange<UInt32>]
            sequences = ranges.flatMap(UTF8Ranges.sequences).map { $0.map { distinct($0) } }
        }
    }
}

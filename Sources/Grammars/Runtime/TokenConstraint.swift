import Synchronization

/// A grammar that outputs of one vocabulary follow, token by token.
///
/// Safe from any thread: what it learns about the grammar is behind a lock, held for the time of one
/// operation. What it answers depends on the grammar and the output only, never on what was asked
/// before.
package final class TokenConstraint: Sendable {
    /// Where an output is in the grammar: a value, copied when an output branches.
    package struct State: Sendable {
        /// The tokens so far, from which the rest can be found again.
        fileprivate var tokens: [Int32] = []
        fileprivate var set: Int32
        /// Of the sets that `set` is a number in.
        fileprivate var generation: Int
        /// Whether the output may end here.
        package fileprivate(set) var isComplete = false
        /// Whether nothing may follow but the end.
        package fileprivate(set) var isExhausted = false
    }

    /// Why an output cannot go on.
    package enum Failure: Error, Sendable, Hashable {
        /// The grammar is at too many places at once to be followed.
        case tooAmbiguous
        /// The token isn't one that the grammar allows here.
        case notAllowed(token: Int32)
    }

    private struct Memory {
        var sets: ParseSets
        var masks: TokenMasks
        /// Counts how often the sets were forgotten.
        var generation = 0
    }

    /// The vocabulary of the outputs.
    package let vocabulary: GrammarVocabulary
    private let grammar: Grammar
    private let selectors: [ResolvedSelector]
    private let memory: Mutex<Memory>

    /// Items looked at in one operation at most, some 0.1 µs each.
    private static let fuel = 1_000_000

    /// Prepares a grammar for a vocabulary.
    ///
    /// - Throws: When the grammar names a token that the vocabulary lacks.
    package init(_ grammar: Grammar, vocabulary: GrammarVocabulary) throws(GrammarError) {
        self.grammar = grammar
        self.vocabulary = vocabulary
        var selectors: [ResolvedSelector] = []
        for selector in grammar.selectors {
            selectors.append(try ResolvedSelector(selector, in: vocabulary))
        }
        self.selectors = selectors
        memory = Mutex(Self.memory(grammar, vocabulary, selectors, generation: 0))
    }

    private static func memory(
        _ grammar: Grammar,
        _ vocabulary: GrammarVocabulary,
        _ selectors: [ResolvedSelector],
        generation: Int
    ) -> Memory {
        Memory(
            sets: ParseSets(grammar),
            masks: TokenMasks(
                vocabulary: vocabulary,
                selectors: selectors,
                limits: grammar.limits
            ),
            generation: generation
        )
    }

    /// The state before any output.
    package func start() throws(Failure) -> State {
        var state = State(set: ParseSets.dead, generation: -1)
        try perform(on: &state) { _, _ in }
        return state
    }

    /// The tokens that may come next: those that end the output only where it is complete.
    ///
    /// - Complexity: Mostly a look-up; at worst a walk over all bytes of the vocabulary.
    package func mask(_ state: inout State) throws(Failure) -> TokenMask {
        var result = TokenMask(count: 0)
        try perform(on: &state) { (memory, state) throws(ParseSets.Failure) in
            result = try memory.masks.mask(of: state.set, in: &memory.sets)
        }
        return result
    }

    /// Whether the mask of a state needs no more than a look-up.
    package func knowsMask(of state: State) -> Bool {
        let isKnown = memory.withLockIfAvailable { memory in
            state.generation == memory.generation && memory.masks.knows(state.set)
        }
        return isKnown ?? false
    }

    /// Tokens whose text must come next, whatever is chosen: the longest that the vocabulary has.
    ///
    /// The model may well choose shorter ones for the same text.
    ///
    /// - Parameters:
    ///   - state: Where the output is.
    ///   - maximum: The most tokens.
    /// - Returns: None where there is a choice, or where the output may end.
    /// - Throws: `tooAmbiguous`.
    package func forcedTokens(_ state: inout State, maximum: Int) throws(Failure) -> [Int32] {
        var bytes: [UInt8] = []
        try perform(on: &state) { (memory, state) throws(ParseSets.Failure) in
            bytes = []
            var set = state.set
            while bytes.count < maximum * Self.forcedByteCount,
                let byte = try memory.sets.forcedByte(from: set)
            {
                bytes.append(byte)
                set = try memory.sets.next(set, memory.sets.classes.classes[Int(byte)])
            }
        }
        return Array(vocabulary.longestTokens(of: bytes).prefix(maximum))
    }

    /// Forced bytes looked at for each token that is wanted.
    private static let forcedByteCount = 12

    /// Takes a token that was chosen.
    ///
    /// - Throws: `notAllowed` when its mask doesn't have it; one that ends the output counts as
    ///   allowed wherever the output is complete, and changes nothing.
    package func accept(_ token: Int32, _ state: inout State) throws(Failure) {
        guard token >= 0, Int(token) < vocabulary.tokenCount else {
            throw .notAllowed(token: token)
        }
        var next = ParseSets.dead
        try perform(on: &state) { (memory, state) throws(ParseSets.Failure) in
            next = try self.step(token, from: state.set, &memory)
        }
        if next == ParseSets.dead {
            guard state.isComplete, vocabulary.endTokens.contains(token) else {
                throw .notAllowed(token: token)
            }
            return
        }
        state.tokens.append(token)
        state.set = next
        try perform(on: &state) { _, _ in }
    }

    /// Does something with the memory and a state that is valid in it, a second time with empty
    /// memory if that overflows.
    private func perform(
        on state: inout State,
        _ body: (inout Memory, inout State) throws(ParseSets.Failure) -> Void
    ) throws(Failure) {
        let failure: Failure? = memory.withLock { memory in
            for attempt in 0..<2 {
                do throws(ParseSets.Failure) {
                    memory.sets.fuel = Self.fuel
                    try self.recall(&state, &memory)
                    try body(&memory, &state)
                    return nil
                } catch {
                    guard case .full = error, attempt == 0 else { return .tooAmbiguous }
                    memory = Self.memory(
                        grammar,
                        vocabulary,
                        selectors,
                        generation: memory.generation + 1
                    )
                }
            }
            return .tooAmbiguous
        }
        if let failure { throw failure }
    }

    /// Finds the state's set again if it isn't of the current sets.
    private func recall(
        _ state: inout State,
        _ memory: inout Memory
    ) throws(ParseSets.Failure) {
        if state.generation != memory.generation {
            var set = try memory.sets.start()
            for token in state.tokens {
                memory.sets.fuel = Self.fuel
                set = try step(token, from: set, &memory)
            }
            state.set = set
            state.generation = memory.generation
        }
        state.isComplete = memory.sets.isAccepting[Int(state.set)]
        state.isExhausted = state.isComplete && memory.sets.contents[Int(state.set)].scans.isEmpty
    }

    private func step(
        _ token: Int32,
        from start: Int32,
        _ memory: inout Memory
    ) throws(ParseSets.Failure) -> Int32 {
        let direct = memory.masks.tokenMoves(token, from: start, in: memory.sets)
        let bytes = vocabulary.bytes(of: token)
        guard !vocabulary.isControl(token), let last = bytes.last else {
            return try memory.sets.set(of: direct)
        }
        var set = start
        for byte in bytes.dropLast() {
            set = try memory.sets.next(set, memory.sets.classes.classes[Int(byte)])
        }
        if direct.isEmpty {
            return try memory.sets.next(set, memory.sets.classes.classes[Int(last)])
        }
        return try memory.sets.set(of: memory.sets.moves(from: set, byte: last) + direct)
    }
}

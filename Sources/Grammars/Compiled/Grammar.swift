/// A checked grammar in the form that is followed byte by byte: a recursive transition network.
///
/// Each rule is a nondeterministic automaton whose edges take a byte, a token, nothing, or all that
/// another rule derives. Immutable, independent of any vocabulary, and safe from any thread.
package struct Grammar: Sendable {
    /// A state of a rule's automaton.
    struct State: Sendable {
        var byteEdges: [ByteEdge] = []
        var tokenEdges: [TokenEdge] = []
        /// States reached without input.
        var jumps: [Int32] = []
        var calls: [Call] = []
        /// The rule whose automaton this is.
        var rule: Int32
        /// Whether the rule is derived when this state is reached.
        var isFinal = false
        /// The counted loop this state belongs to, whose count it carries; -1 for none.
        var loop: Int32 = -1
        /// Whether the state is where its loop counts: its head.
        var isLoopHead = false
        /// Whether the state is at the end of its loop's body, from where the loop's count goes up
        /// and its head is reached.
        var endsLoopBody = false
    }

    struct ByteEdge: Sendable, Hashable {
        let low: UInt8
        let high: UInt8
        let target: Int32
    }

    struct TokenEdge: Sendable, Hashable {
        let selector: Int32
        let target: Int32
    }

    struct Call: Sendable, Hashable {
        let rule: Int32
        /// The state after the rule has been derived.
        let target: Int32
    }

    /// A loop of which not every round has a state of its own.
    struct Loop: Sendable {
        let minimum: Int32
        /// Nil: without end.
        let maximum: Int32?
        let head: Int32
        let body: Int32
        let exit: Int32
        /// Whether another round may begin, which is not so where the body derives nothing.
        var hasBody = true
    }

    var states: [State]
    /// The first state of each rule.
    var starts: [Int32]
    var loops: [Loop]
    var selectors: [TokenSelector]
    let rootRule: Int32
    let limits: GrammarLimits

    /// Checks and compiles an expression.
    ///
    /// - Throws: When it isn't valid, cannot be carried by a grammar, exceeds the limits, or when no
    ///   text satisfies it.
    package init(
        _ expression: GrammarExpression,
        limits: GrammarLimits = .default
    ) throws(GrammarError) {
        var rules = GrammarRules(limits: limits)
        let root = try expression.lower(into: &rules)
        let rootRule = try rules.reserve(path: "")
        rules.define(rootRule, as: root)
        var builder = GrammarBuilder(limits: limits)
        try builder.build(rules.nodes)
        states = builder.states
        starts = builder.starts
        loops = builder.loops
        selectors = builder.selectors
        self.rootRule = Int32(rootRule)
        self.limits = limits
        eliminateTailRecursion()
        prune()
        guard starts[rootRule] >= 0 else {
            throw GrammarError(
                path: expression.path,
                reason: "No output can satisfy this: its conditions contradict one another."
            )
        }
    }
}

extension GrammarExpression {
    /// Where the first part with a path comes from; empty if there is none.
    package var path: String {
        switch self {
        case .regex(_, let path), .jsonSchema(_, let path), .gbnf(_, let path): path
        case .sequence(let parts), .choice(let parts):
            parts.lazy.map(\.path).first { !$0.isEmpty } ?? ""
        case .repetition(let part, _, _): part.path
        case .literal, .text, .controlToken: ""
        }
    }
}

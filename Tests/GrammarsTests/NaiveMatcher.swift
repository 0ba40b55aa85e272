@testable import Grammars

/// Follows a grammar with explicit stacks, one byte at a time: slow, simple, and independent of how
/// parse sets and masks are made.
struct NaiveMatcher {
    /// Where a rule is, and below it where its callers go on.
    struct Stack: Hashable {
        /// Each level's state and loop count, the innermost last.
        var levels: [Level]

        struct Level: Hashable {
            var state: Int32
            var count: Int32
        }
    }

    private let grammar: Grammar
    private(set) var stacks: Set<Stack> = []
    private(set) var isAccepting = false

    init(_ grammar: Grammar) {
        self.grammar = grammar
        let start = grammar.starts[Int(grammar.rootRule)]
        close([Stack(levels: [.init(state: start, count: 0)])])
    }

    mutating func take(_ byte: UInt8) {
        var moved: [Stack] = []
        for stack in stacks {
            let level = stack.levels[stack.levels.count - 1]
            for edge in grammar.states[Int(level.state)].byteEdges
            where edge.low <= byte && byte <= edge.high {
                var next = stack
                next.levels[next.levels.count - 1].state = edge.target
                moved.append(next)
            }
        }
        close(moved)
    }

    /// Whether some text that begins like this can be derived.
    func allows(_ bytes: [UInt8]) -> Bool {
        var copy = self
        for byte in bytes {
            copy.take(byte)
            if copy.stacks.isEmpty, !copy.isAccepting { return false }
        }
        return true
    }

    private mutating func close(_ items: [Stack]) {
        stacks = []
        isAccepting = false
        var seen = Set(items)
        var work = items
        func push(_ stack: Stack) {
            // Left recursion never ends here; tests of it don't use this.
            if stack.levels.count < 60, seen.insert(stack).inserted { work.append(stack) }
        }
        while let stack = work.popLast() {
            let top = stack.levels.count - 1
            let level = stack.levels[top]
            let state = grammar.states[Int(level.state)]
            func go(_ target: Int32, _ count: Int32) {
                var next = stack
                next.levels[top] = .init(state: target, count: count)
                push(next)
            }
            if !state.byteEdges.isEmpty { stacks.insert(stack) }
            if state.isLoopHead {
                let loop = grammar.loops[Int(state.loop)]
                if loop.hasBody, level.count < loop.maximum ?? .max { go(loop.body, level.count) }
                if level.count >= loop.minimum { go(loop.exit, 0) }
            }
            if state.endsLoopBody {
                // Without a maximum the count goes on; it need not be exact, only high enough.
                let loop = grammar.loops[Int(state.loop)]
                go(loop.head, min(level.count + 1, loop.maximum ?? loop.minimum))
            }
            for target in state.jumps { go(target, level.count) }
            for call in state.calls {
                var next = stack
                next.levels[top].state = call.target
                next.levels.append(.init(state: grammar.starts[Int(call.rule)], count: 0))
                push(next)
            }
            if state.isFinal {
                if top == 0 {
                    isAccepting = true
                } else {
                    push(Stack(levels: stack.levels.dropLast()))
                }
            }
        }
    }
}

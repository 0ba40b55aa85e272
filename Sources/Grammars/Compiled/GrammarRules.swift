/// The rules of a grammar while front ends add to them.
struct GrammarRules {
    let limits: GrammarLimits
    /// What each rule derives; nil while it is being made.
    private(set) var nodes: [GrammarNode?] = []

    init(limits: GrammarLimits) { self.limits = limits }

    /// Reserves a rule's number, so that it may be referred to before it is made.
    mutating func reserve(path: String) throws(GrammarError) -> Int {
        guard nodes.count < limits.maximumRuleCount else {
            throw GrammarError(
                path: path,
                reason: "The grammar has more than \(limits.maximumRuleCount) rules; "
                    + "make it smaller."
            )
        }
        nodes.append(nil)
        return nodes.count - 1
    }

    mutating func define(_ rule: Int, as node: GrammarNode) { nodes[rule] = node }

    mutating func add(_ node: GrammarNode, path: String) throws(GrammarError) -> GrammarNode {
        let rule = try reserve(path: path)
        define(rule, as: node)
        return .rule(rule)
    }
}

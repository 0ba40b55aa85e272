import JSON

/// Runs a template's tree for one rendering; made for it and confined to it.
final class Evaluator {
    /// How a body ended.
    enum Flow {
        case normal, breakLoop, continueLoop
    }

    let tree: TemplateTree
    let source: [Unicode.Scalar]
    let meter: RenderMeter
    let now: ChatTemplateDate
    var scope: Scope
    let loopSlot: Int?
    /// Scopes that macros hold, emptied at the end because they may hold these macros themselves.
    private var capturedScopes: [Scope] = []
    /// Namespaces, emptied at the end because they may hold one another.
    private var namespaces: [NamespaceValue] = []

    init(
        tree: TemplateTree,
        source: [Unicode.Scalar],
        meter: RenderMeter,
        now: ChatTemplateDate
    ) {
        self.tree = tree
        self.source = source
        self.meter = meter
        self.now = now
        scope = Scope(inside: nil)
        loopSlot = tree.names.firstIndex(of: "loop")
        for (slot, function) in GlobalFunction.allCases.enumerated() {
            scope.set(slot, to: .callable(.function(function)))
        }
    }

    /// Sets a variable that the whole template sees.
    func define(_ name: String, _ value: TemplateValue) {
        if let slot = tree.names.firstIndex(of: name) { scope.set(slot, to: value) }
    }

    /// Renders the whole template; the evaluator is of no use afterwards.
    func render() throws(ChatTemplateError) -> MarkedText {
        defer {
            scope.removeAll()
            for scope in capturedScopes { scope.removeAll() }
            for namespace in namespaces { namespace.members = MappingValue([], depth: 1) }
        }
        var output = MarkedText()
        _ = try run(tree.body, into: &output)
        return output
    }

    /// Remembers a scope that outlives its body.
    func capture(_ scope: Scope) {
        if capturedScopes.last !== scope { capturedScopes.append(scope) }
    }

    /// Makes a namespace that is emptied at the end of the rendering.
    func makeNamespace(_ members: MappingValue) -> TemplateValue {
        let namespace = NamespaceValue(members)
        namespaces.append(namespace)
        return .namespace(namespace)
    }

    /// Runs a body inside a scope of its own.
    func runScoped(
        _ body: [TemplateStatement],
        in inner: Scope,
        into output: inout MarkedText
    ) throws(ChatTemplateError) -> Flow {
        let outer = scope
        scope = inner
        defer { scope = outer }
        return try run(body, into: &output)
    }

    /// Adds the place of an expression or statement to an error that has none yet.
    func located(
        _ error: ChatTemplateError,
        at position: SourcePosition
    ) -> ChatTemplateError {
        var error = error
        error.locate(at: position, in: source)
        return error
    }
}

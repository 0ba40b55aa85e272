/// A node of a template's tree, with its place in the source for errors.
struct TemplateStatement: Sendable {
    let form: Form
    let position: SourcePosition

    /// What kind of statement it is, with its parts.
    indirect enum Form: Sendable {
        case text(MarkedText)
        case output(TemplateExpression)
        case condition([ConditionBranch], otherwise: [TemplateStatement])
        case loop(LoopDefinition)
        case set(AssignmentTarget, TemplateExpression)
        /// `{% set target | filter %}body{% endset %}`
        case setBlock(AssignmentTarget, filters: [FilterSyntax], body: [TemplateStatement])
        case macro(MacroDefinition)
        /// `{% call(parameters) callee(…) %}body{% endcall %}`
        case call(MacroDefinition, callee: TemplateExpression)
        case filter([FilterSyntax], body: [TemplateStatement])
        case with(
            [(target: AssignmentTarget, value: TemplateExpression)],
            body: [TemplateStatement]
        )
        /// A body with variables of its own (`{% generation %}`).
        case scope([TemplateStatement])
        case breakLoop
        case continueLoop
    }
}

/// One `if` or `elif` with its body.
struct ConditionBranch: Sendable {
    let condition: TemplateExpression
    let body: [TemplateStatement]
}

/// What an assignment or a loop stores into.
indirect enum AssignmentTarget: Sendable {
    /// A variable, by its number in the template's list of names.
    case name(Int)
    /// A namespace's member.
    case member(of: Int, name: String, position: SourcePosition)
    case tuple([AssignmentTarget], position: SourcePosition)
}

/// A `for` statement.
final class LoopDefinition: Sendable {
    let target: AssignmentTarget
    let elements: TemplateExpression
    let condition: TemplateExpression?
    let body: [TemplateStatement]
    let otherwise: [TemplateStatement]

    init(
        target: AssignmentTarget,
        elements: TemplateExpression,
        condition: TemplateExpression?,
        body: [TemplateStatement],
        otherwise: [TemplateStatement]
    ) {
        self.target = target
        self.elements = elements
        self.condition = condition
        self.body = body
        self.otherwise = otherwise
    }
}

/// A `macro` statement, or the body of a `call` block, which is a macro without a name.
final class MacroDefinition: Sendable {
    let name: String
    /// The number of the macro's name in the template's list of names.
    let slot: Int
    let parameters: [(name: String, slot: Int, standard: TemplateExpression?)]
    let body: [TemplateStatement]
    let position: SourcePosition

    init(
        name: String,
        slot: Int,
        parameters: [(name: String, slot: Int, standard: TemplateExpression?)],
        body: [TemplateStatement],
        position: SourcePosition
    ) {
        self.name = name
        self.slot = slot
        self.parameters = parameters
        self.body = body
        self.position = position
    }
}

/// A template read: its statements and the names they use.
struct TemplateTree: Sendable {
    let body: [TemplateStatement]
    /// Every variable name, by its number.
    let names: [String]
}

/// A node of an expression's tree, with its place in the source for errors.
final class TemplateExpression: Sendable {
    let form: Form
    let position: SourcePosition

    init(_ form: Form, at position: SourcePosition) {
        self.form = form
        self.position = position
    }

    /// What kind of expression it is, with its parts.
    enum Form: Sendable {
        case literal(TemplateLiteral)
        /// A variable, by its number in the template's list of names.
        case name(Int)
        case tuple([TemplateExpression])
        case list([TemplateExpression])
        case dictionary([(key: TemplateExpression, value: TemplateExpression)])
        /// A member, `of.name`.
        case attribute(of: TemplateExpression, name: String)
        /// An element or member, `of[key]`.
        case item(of: TemplateExpression, key: TemplateExpression)
        /// A part, `of[start:stop:step]`.
        case slice(
            of: TemplateExpression,
            start: TemplateExpression?,
            stop: TemplateExpression?,
            step: TemplateExpression?
        )
        case call(TemplateExpression, CallSyntax)
        case filter(TemplateExpression, FilterSyntax)
        case test(TemplateExpression, name: String, CallSyntax, isNegated: Bool)
        case negative(TemplateExpression)
        case positive(TemplateExpression)
        case not(TemplateExpression)
        /// Operations of equal rank from left to right.
        case chain(
            TemplateExpression,
            [(operation: ArithmeticOperation, operand: TemplateExpression)]
        )
        /// Comparisons as Python chains them: `a < b < c`.
        case comparison(TemplateExpression, [(operation: Comparison, operand: TemplateExpression)])
        /// The first operand that is false, else the last.
        case and([TemplateExpression])
        /// The first operand that is true, else the last.
        case or([TemplateExpression])
        /// Texts joined, `a ~ b ~ c`.
        case concatenation([TemplateExpression])
        /// An inline `if`.
        case conditional(
            condition: TemplateExpression,
            value: TemplateExpression,
            otherwise: TemplateExpression?
        )
    }
}

/// A value written in the template.
enum TemplateLiteral: Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case text(MarkedText)
}

/// An operator between numbers, texts or lists.
enum ArithmeticOperation: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case divideWhole = "//"
    case remainder = "%"
    case power = "**"
}

/// An operator that compares.
enum Comparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case isNotIn = "not in"
}

/// What stands in the parentheses of a call.
struct CallSyntax: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
    /// The list behind `*`.
    var moreValues: TemplateExpression?
    /// The mapping behind `**`.
    var moreNames: TemplateExpression?
}

/// A filter with its arguments.
struct FilterSyntax: Sendable {
    let name: String
    let call: CallSyntax
    let position: SourcePosition
}

/// A value while a template is evaluated, after Python's model; all of it is immutable except namespaces,
/// iterators and loops, which are shared by reference.
///
/// Confined to one rendering.
enum TemplateValue {
    /// A name or member that is missing, with the sentence that says which.
    case undefined(String)
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case text(MarkedText)
    case sequence(SequenceValue)
    case mapping(MappingValue)
    case iterator(IteratorValue)
    case namespace(NamespaceValue)
    case loop(LoopValue)
    case callable(CallableValue)
}

/// A list, a tuple or a view of a mapping.
final class SequenceValue {
    /// How Python would call the sequence; it decides about printing, comparison and indexing.
    enum Kind {
        case list, tuple, view
    }

    let kind: Kind
    let elements: [TemplateValue]
    let depth: Int

    init(_ kind: Kind, _ elements: [TemplateValue], depth: Int) {
        self.kind = kind
        self.elements = elements
        self.depth = depth
    }
}

/// Values that can be read once, such as `selectattr` gives.
final class IteratorValue {
    private var content: Result<[TemplateValue], ChatTemplateError>
    let depth: Int

    init(_ elements: [TemplateValue], depth: Int) {
        content = .success(elements)
        self.depth = depth
    }

    /// An iterator that fails when it is read; Python's generators find their errors only then.
    init(failing error: ChatTemplateError) {
        content = .failure(error)
        depth = 1
    }

    /// Takes everything that is left.
    func takeAll() throws(ChatTemplateError) -> [TemplateValue] {
        let elements = try content.get()
        content = .success([])
        return elements
    }
}

/// What `namespace(…)` makes: the one thing whose members a template can set.
final class NamespaceValue {
    var members: MappingValue

    init(_ members: MappingValue) { self.members = members }
}

/// The `loop` variable of a `for` statement.
final class LoopValue {
    let elements: [TemplateValue]
    /// The place of the current element, from 0.
    var index = 0
    /// What `loop.changed` was last called with.
    var lastChanged: [TemplateValue]?
    let depth: Int

    init(_ elements: [TemplateValue], depth: Int) {
        self.elements = elements
        self.depth = depth
    }
}

/// Something a template can call.
enum CallableValue {
    case function(GlobalFunction)
    case macro(MacroValue)
    indirect case method(receiver: TemplateValue, name: String)
}

/// A macro, or the body of a `call` block, with the scope it was defined in.
final class MacroValue {
    let definition: MacroDefinition
    let scope: Scope

    init(_ definition: MacroDefinition, in scope: Scope) {
        self.definition = definition
        self.scope = scope
    }
}

extension TemplateValue {
    /// The type's name as Python's error messages have it.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .integer: "int"
        case .float: "float"
        case .text: "str"
        case .sequence(let sequence):
            switch sequence.kind {
            case .list: "list"
            case .tuple: "tuple"
            case .view: "dict view"
            }
        case .mapping: "dict"
        case .iterator: "generator"
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .callable(.macro): "Macro"
        case .callable: "function"
        }
    }

    /// Whether Python takes the value for true.
    var isTruthy: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .float(let value): value != 0
        case .text(let text): !text.isEmpty
        case .sequence(let sequence): !sequence.elements.isEmpty
        case .mapping(let mapping): mapping.count > 0
        case .iterator, .namespace, .loop, .callable: true
        }
    }

    var isUndefined: Bool {
        if case .undefined = self { true } else { false }
    }

    /// How many containers stand inside one another here.
    var depth: Int {
        switch self {
        case .sequence(let sequence): sequence.depth
        case .mapping(let mapping): mapping.depth
        case .iterator(let iterator): iterator.depth
        case .loop(let loop): loop.depth
        case .callable(.method(let receiver, _)): receiver.depth + 1
        default: 0
        }
    }

    /// The value of a number, with booleans as 0 and 1.
    var number: TemplateNumber? {
        switch self {
        case .bool(let value): .integer(value ? 1 : 0)
        case .integer(let value): .integer(value)
        case .float(let value): .float(value)
        default: nil
        }
    }

    /// The value of an integer, with booleans as 0 and 1.
    var integer: Int? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .integer(let value): value
        default: nil
        }
    }

    static func text(trusted text: String) -> TemplateValue {
        .text(MarkedText(text, isTrusted: true))
    }

    /// Text that an operation made from values whose provenance it does not follow.
    static func text(derived text: String) -> TemplateValue {
        .text(MarkedText(text, isTrusted: false))
    }
}

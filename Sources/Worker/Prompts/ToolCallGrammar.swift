import ChatTemplates
import Grammars
import JSON
import WorkerProtocol

/// What an answer with tools is held to, so that its calls are ones that can be read and whose
/// arguments are valid.
///
/// Made of the same ``ToolCallSyntax`` that the parser reads by. Where that form is not JSON, a call is
/// a JSON object between the form's markers, which the parser reads too.
struct ToolCallGrammar {
    private struct Function {
        let name: String
        let arguments: GrammarExpression
    }

    private let syntax: AnswerSyntax
    private let functions: [Function]
    private let isSingle: Bool

    /// Prepares the calls of a conversation's tools.
    ///
    /// - Parameters:
    ///   - syntax: How the model marks the parts of its answers, calls among them.
    ///   - chat: Its tools, and which of them must be called.
    ///   - checks: What is known of schemas already.
    init(_ syntax: AnswerSyntax, _ chat: ChatPrompt, checks: SchemaChecks = SchemaChecks()) {
        self.syntax = syntax
        isSingle = !chat.allowsParallelToolCalls
        var functions: [Function] = []
        for (index, tool) in (chat.tools?.arrayValue ?? []).enumerated() {
            guard let function = tool["function"], let name = function["name"]?.stringValue else {
                continue
            }
            if case .named(let only) = chat.toolChoice, only != name { continue }
            let path = "tools[\(index)].function.parameters"
            let arguments = Self.arguments(function, path: path, checks)
            functions.append(Function(name: name, arguments: arguments))
        }
        self.functions = functions
    }

    /// Whether a call's own form is JSON, so that holding the model to JSON changes nothing for it.
    var isNative: Bool {
        guard let calls = syntax.toolCalls else { return syntax.channels != nil }
        switch calls.body {
        case .object, .array, .keyedArray, .named: return true
        case .tagged, .braces, .python: return false
        }
    }

    /// The arguments of a function; none for one that declares no parameters, as OpenAI documents it.
    ///
    /// A schema that no grammar can follow costs a tool that is not strict its schema, and makes a
    /// request with a strict one fail, when the expression is compiled.
    private static func arguments(
        _ function: JSONValue,
        path: String,
        _ checks: SchemaChecks
    ) -> GrammarExpression {
        var schema = function["parameters"]?.objectValue ?? ["properties": [:]]
        if schema["type"] == nil { schema["type"] = "object" }
        if schema["properties"]?.objectValue?.isEmpty == true,
            schema["additionalProperties"] == nil, schema["patternProperties"] == nil
        {
            schema["additionalProperties"] = false
        }
        let expression = GrammarExpression.jsonSchema(.object(schema), path: path)
        if function["strict"] == true { return expression }
        return checks.canFollow(.object(schema)) ? expression : .jsonObject
    }

    // MARK: Whole answers

    /// An answer that is calls and nothing else.
    var required: GrammarExpression {
        switch syntax.channels {
        case .harmony: return .sequence([Self.analysis, .choice(functions.map(Self.harmonyCall))])
        case .functionary: return .choice(functions.map(Self.functionaryCall))
        case nil: return calls
        }
    }

    /// An answer that is free until it begins a call.
    var automatic: GrammarExpression {
        switch syntax.channels {
        case .harmony:
            return .triggered(
                functions.map { function in
                    let header = GrammarExpression.text(
                        notContaining: ["<|message|>"],
                        controlTokens: true
                    )
                    return (
                        "to=functions.\(function.name)",
                        .sequence([header, .controlToken("<|message|>"), function.arguments])
                    )
                }
            )
        case .functionary:
            let call = GrammarExpression.choice(functions.map(Self.functionaryCall))
            let more = GrammarExpression.triggered([(">>>", .choice([call, .literal("all\n")]))])
            return .choice([.sequence([call, more]), .sequence([.literal("all\n"), more])])
        case nil: break
        }
        guard let form = syntax.toolCalls else { return required }
        if form.mayBeBare {
            // What begins like a bare call is one.
            let text = GrammarExpression.sequence([
                .regex("[^{\\[\\s]", path: ""), .text(notContaining: [], controlTokens: true),
            ])
            return .choice([calls, .optional(text)])
        }
        var marker = Self.parts(form.sectionStart.isEmpty ? form.start : form.sectionStart)
        let trigger = marker.removeFirst()
        let rest = marker.map(Self.marker(part:))
        let marked = (trigger, GrammarExpression.sequence(rest + [unmarkedCalls]))
        return .triggered([marked] + (form.readsUnmarked ? functions.flatMap(namedObject) : []))
    }

    /// What must follow the name of a tool in a JSON object without markers, which is read as a call.
    private func namedObject(
        _ function: Function
    ) -> [(trigger: String, continuation: GrammarExpression)] {
        let name = JSONValue.string(function.name).serialized()
        let space = GrammarExpression.regex("\\s{0,8}", path: "")
        let rest = GrammarExpression.sequence([
            .literal(","), space, .literal("\"arguments\":"), space, function.arguments, space,
            .literal("}"),
        ])
        return ["\"name\": \(name)", "\"name\":\(name)"].map { ($0, rest) }
    }

    // MARK: Calls

    private var calls: GrammarExpression {
        guard let form = syntax.toolCalls else {
            return .choice(functions.map(Self.functionaryCall))
        }
        // A bare call needs no marker.
        let start = form.sectionStart.isEmpty ? form.start : form.sectionStart
        let marked = Self.marker(start)
        return .sequence([form.mayBeBare ? .optional(marked) : marked, unmarkedCalls])
    }

    /// Calls without the first marker.
    private var unmarkedCalls: GrammarExpression {
        guard let form = syntax.toolCalls else { return .sequence([]) }
        let bodies = GrammarExpression.choice(functions.map { body($0, form) })
        switch form.body {
        case .array, .keyedArray:
            // Where nothing but the list is in the section, its start is still to come.
            let start = form.sectionStart.isEmpty ? "" : form.start
            return .sequence([
                Self.space, Self.marker(start), list(bodies), Self.marker(form.end),
            ])
        case .object, .named, .tagged, .braces, .python: break
        }
        if form.sectionStart.isEmpty {
            let first = GrammarExpression.sequence([
                Self.space, bodies, Self.space, Self.marker(form.end),
            ])
            if isSingle || form.mayBeBare { return first }
            let next = GrammarExpression.sequence([Self.space, Self.marker(form.start), first])
            return .sequence([first, .repetition(next, minimum: 0, maximum: nil)])
        }
        let start = isJSONBody(form) ? GrammarExpression.sequence([]) : Self.marker(form.start)
        let end = isJSONBody(form) ? GrammarExpression.sequence([]) : Self.marker(form.end)
        let call = GrammarExpression.sequence([Self.space, start, bodies, Self.space, end])
        return .sequence([
            .repetition(call, minimum: 1, maximum: isSingle ? 1 : nil), Self.space,
            Self.marker(form.sectionEnd),
        ])
    }

    /// Whether calls inside a section are JSON objects without markers of their own.
    private func isJSONBody(_ form: ToolCallSyntax) -> Bool {
        if case .tagged = form.body { return true }
        return form.start.isEmpty
    }

    private func list(_ element: GrammarExpression) -> GrammarExpression {
        let more = GrammarExpression.sequence([.literal(", "), element])
        return .sequence([
            Self.space, .literal("["), element,
            .repetition(more, minimum: 0, maximum: isSingle ? 0 : nil), .literal("]"), Self.space,
        ])
    }

    private func body(_ function: Function, _ form: ToolCallSyntax) -> GrammarExpression {
        let name = JSONValue.string(function.name).serialized()
        switch form.body {
        case .object(let nameKey, let argumentsKey), .array(let nameKey, let argumentsKey):
            return .sequence([
                .literal("{\"\(nameKey)\": \(name), \"\(argumentsKey)\": "), function.arguments,
                .literal("}"),
            ])
        case .keyedArray:
            return .sequence([.literal("{\(name): "), function.arguments, .literal("}")])
        case .named(let separator):
            let number = GrammarExpression.regex("[0-9]{1,3}", path: "")
            let isNumbered = separator == ToolCallSyntax.numberedNameSeparator
            return .sequence([
                .literal(isNumbered ? "functions.\(function.name):" : function.name),
                isNumbered ? number : .sequence([]), Self.marker(separator), function.arguments,
            ])
        case .tagged, .braces, .python:
            return .sequence([
                .literal("{\"name\": \(name), \"arguments\": "), function.arguments, .literal("}"),
            ])
        }
    }

    private static func functionaryCall(_ function: Function) -> GrammarExpression {
        .sequence([.literal("\(function.name)\n"), function.arguments])
    }

    /// Reasoning before the call, in harmony.
    private static let analysis = GrammarExpression.optional(
        .sequence([
            .controlToken("<|channel|>"), .literal("analysis"), .controlToken("<|message|>"),
            .text(notContaining: ["<|end|>"], controlTokens: false), .controlToken("<|end|>"),
            .controlToken("<|start|>"), .literal("assistant"),
        ])
    )

    private static func harmonyCall(_ function: Function) -> GrammarExpression {
        .sequence([
            .controlToken("<|channel|>"),
            .literal("commentary to=functions.\(function.name) "), .controlToken("<|constrain|>"),
            .literal("json"), .controlToken("<|message|>"), function.arguments,
        ])
    }
}

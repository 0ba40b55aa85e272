import Grammars
import JSON

/// The ways in which a request says what its output must look like.
///
/// OpenAI's `response_format`; llama-server's `grammar` and `json_schema`; vLLM's
/// `structured_outputs` and its older `guided_…` members. At most one of them may ask for
/// something. A schema is enforced whether or not it is called strict.
enum OutputConstraint {
    /// Reads all of them; nil when the output is free.
    ///
    /// What the grammars and schemas say is checked by the worker, with the same paths.
    static func parse(_ body: ParameterReader) throws(APIError) -> GrammarExpression? {
        var found: (name: String, expression: GrammarExpression)?
        for (name, read) in members {
            guard let expression = try read(body, name) else { continue }
            if let found {
                throw .invalidRequest(
                    "Only one of '\(found.name)' and '\(name)' may constrain the output.",
                    parameter: name
                )
            }
            found = (name, expression)
        }
        return found?.expression
    }

    private typealias Read = (ParameterReader, String) throws(APIError) -> GrammarExpression?

    private static var members: [(String, Read)] {
        [
            ("response_format", responseFormat),
            ("grammar", grammar),
            ("json_schema", schema),
            ("guided_json", schema),
            ("guided_regex", regex),
            ("guided_choice", choice),
            ("guided_grammar", grammar),
            ("structured_outputs", structuredOutputs),
        ]
    }

    // MARK: OpenAI

    private static func responseFormat(
        _ body: ParameterReader,
        _ name: String
    ) throws(APIError) -> GrammarExpression? {
        guard let format = try body.object(name) else { return nil }
        let type = try format.required("type", try format.string("type"))
        switch type {
        case "text":
            return nil
        case "json_object":
            // llama-server's clients put a schema beside the type.
            return try schema(format, "schema") ?? .jsonObject
        case "json_schema":
            guard let wrapper = try format.object("json_schema") else {
                // llama-server's clients leave the wrapper out.
                if let schema = try schema(format, "schema") { return schema }
                throw .missing(format.path(of: "json_schema"))
            }
            // What they say is for people, or for OpenAI's own models.
            _ = try wrapper.string("name")
            _ = try wrapper.string("description")
            _ = try wrapper.bool("strict")
            return try schema(wrapper, "schema") ?? .jsonObject
        default:
            throw .invalidRequest(
                "Invalid '\(format.path(of: "type"))': '\(type)' is not supported; these are: "
                    + "'text', 'json_object' and 'json_schema'.",
                parameter: format.path(of: "type"),
                code: "invalid_value"
            )
        }
    }

    // MARK: llama-server and vLLM

    /// A schema as a value, or as JSON in a string, which some clients send.
    private static func schema(
        _ body: ParameterReader,
        _ name: String
    ) throws(APIError) -> GrammarExpression? {
        guard let value = body.value(name) else { return nil }
        let path = body.path(of: name)
        switch value {
        case .object, .bool:
            return .jsonSchema(value, path: path)
        case .string(let text):
            guard !text.isEmpty else { return nil }
            do throws(JSONError) {
                return .jsonSchema(try JSONValue.parse(text), path: path)
            } catch {
                throw .invalidRequest("Invalid '\(path)': \(error).", parameter: path)
            }
        default:
            throw .invalidType(path, expected: "a JSON schema", value: value)
        }
    }

    private static func regex(
        _ body: ParameterReader,
        _ name: String
    ) throws(APIError) -> GrammarExpression? {
        try body.string(name).map { .regex($0, path: body.path(of: name)) }
    }

    /// An empty grammar is llama-server's way to say none.
    private static func grammar(
        _ body: ParameterReader,
        _ name: String
    ) throws(APIError) -> GrammarExpression? {
        guard let text = try body.string(name), !text.isEmpty else { return nil }
        return .gbnf(text, path: body.path(of: name))
    }

    private static func choice(
        _ body: ParameterReader,
        _ name: String
    ) throws(APIError) -> GrammarExpression? {
        guard let elements = try body.array(name) else { return nil }
        let path = body.path(of: name)
        guard !elements.isEmpty else {
            throw .invalidRequest(
                "Invalid '\(path)': empty array. Expected an array with minimum length 1.",
                parameter: path,
                code: "empty_array"
            )
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard let text = element.stringValue else {
                throw .invalidType("\(path)[\(index)]", expected: "a string", value: element)
            }
            texts.append(text)
        }
        return .oneOf(texts)
    }

    /// vLLM's object, which has one of several members.
    private static func structuredOutputs(
        _ body: ParameterReader,
        _ name: String
    ) throws(APIError) -> GrammarExpression? {
        guard let outputs = try body.object(name) else { return nil }
        var found: [GrammarExpression] = []
        let readers: [(String, Read)] = [
            ("json", schema), ("regex", regex), ("choice", choice), ("grammar", grammar),
        ]
        for (member, read) in readers {
            if let expression = try read(outputs, member) { found.append(expression) }
        }
        if try outputs.bool("json_object") ?? false { found.append(.jsonObject) }
        let known = readers.map(\.0) + ["json_object", "disable_fallback"]
        if let other = outputs.object.members.first(where: { member in
            !known.contains(member.key) && !member.value.isNull && member.value != false
        }) {
            throw .unsupported(
                outputs.path(of: other.key),
                reason: "is not supported; use 'json', 'regex', 'choice', 'grammar' or "
                    + "'json_object'"
            )
        }
        guard found.count == 1 else {
            throw .invalidRequest(
                "Invalid '\(outputs.path)': exactly one of 'json', 'regex', 'choice', 'grammar' and "
                    + "'json_object' must be given.",
                parameter: outputs.path
            )
        }
        return found[0]
    }
}

import Grammars
import JSON
import TestSupport
import Testing

/// What texts a schema's grammar accepts: all that are accepted are valid.
@Suite struct JSONSchemaTests {
    private let small = SmallVocabulary()

    struct Case: CustomTestStringConvertible, Sendable {
        let schema: JSONValue
        let accepted: [String]
        let rejected: [String]
        var testDescription: String { schema.serialized() }
    }

    /// Golden/schema-cases.json, which Tests/Clients/structured_output.py checks against another
    /// validator.
    static let cases: [Case] = {
        let text = try? Golden.contents("schema-cases.json")
        let values = text.flatMap { try? JSONValue.parse($0) }?.arrayValue ?? []
        return values.map { value in
            func texts(_ key: String) -> [String] {
                value[key]?.arrayValue?.compactMap(\.stringValue) ?? []
            }
            return Case(
                schema: value["schema"] ?? nil,
                accepted: texts("accepted"),
                rejected: texts("rejected")
            )
        }
    }()

    @Test func `the cases are there`() { #expect(Self.cases.count > 50) }

    @Test(arguments: cases)
    func `accepts what is valid and rejects what is not`(example: Case) throws {
        let expression = GrammarExpression.jsonSchema(example.schema, path: "schema")
        for text in example.accepted {
            #expect(try small.accepts(text, expression), "should accept \(text)")
        }
        for text in example.rejected {
            #expect(try !small.accepts(text, expression), "should reject \(text)")
        }
    }

    static let refused: [(schema: String, path: String)] = [
        (#"{"properties":{"x":{"not":{}}}}"#, "schema.properties.x.not"),
        (#"{"if":{},"then":{}}"#, "schema.if"),
        (#"{"type":"array","uniqueItems":true}"#, "schema.uniqueItems"),
        (#"{"type":"array","contains":{}}"#, "schema.contains"),
        (#"{"maximun":1}"#, "schema.maximun"),
        (#"{"type":"text"}"#, "schema.type"),
        (#"{"type":["string",1]}"#, "schema.type"),
        (#"{"anyOf":[]}"#, "schema.anyOf"),
        (#"{"items":[{}]}"#, "schema.items"),
        (#"{"minLength":-1}"#, "schema.minLength"),
        (#"{"pattern":"("}"#, "schema.pattern"),
        (#"{"pattern":"(?=a)b"}"#, "schema.pattern"),
        (#"{"pattern":"(a)\\1"}"#, "schema.pattern"),
        (#"{"format":"postcode"}"#, "schema.format"),
        (##"{"$ref":"#/$defs/none"}"##, #"schema["$ref"]"#),
        (#"{"$ref":"https://example.org/x"}"#, #"schema["$ref"]"#),
        (##"{"$ref":"#"}"##, "schema"),
        (#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#, "schema.oneOf"),
        (#"{"oneOf":[{"type":"string"},{"minLength":2}]}"#, "schema.oneOf"),
        (#"{"type":"object","minProperties":3}"#, "schema.minProperties"),
        (#"{"type":"integer","minimum":5,"maximum":4}"#, "schema"),
        (#"{"allOf":[{"type":"string"},{"type":"null"}]}"#, "schema"),
        (##"{"type":"array","items":{"$ref":"#"},"minItems":1}"##, "schema"),
        ("1", "schema"),
    ]

    @Test(arguments: refused)
    func `refuses what cannot be enforced, with its path`(schema: String, path: String) throws {
        let schema = try JSONValue.parse(schema)
        let error = #expect(throws: GrammarError.self) {
            try Grammar(.jsonSchema(schema, path: "schema"))
        }
        #expect(error?.path == path)
    }
}

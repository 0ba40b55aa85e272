import Grammars
import JSON
import Testing

@Suite struct GrammarTests {
    @Test func `a schema without values is refused`() {
        #expect(throws: GrammarError.self) {
            try Grammar(.jsonSchema(false, path: "schema"))
        }
    }

    @Test func `a keyword that cannot be enforced is named with its path`() {
        let schema: JSONValue = ["type": "object", "properties": ["x": ["not": ["type": "null"]]]]
        let error = #expect(throws: GrammarError.self) {
            try Grammar(.jsonSchema(schema, path: "response_format.json_schema.schema"))
        }
        #expect(error?.path == "response_format.json_schema.schema.properties.x.not")
    }

    @Test func `expressions compose`() throws {
        let parameters: JSONValue = [
            "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
        ]
        _ = try Grammar(
            .triggered([
                (
                    "<tool_call>",
                    .sequence([
                        .literal("\n{\"name\": \"get_weather\", \"arguments\": "),
                        .jsonSchema(parameters, path: "tools[0].function.parameters"),
                        .literal("}\n</tool_call>"),
                    ])
                )
            ])
        )
    }
}

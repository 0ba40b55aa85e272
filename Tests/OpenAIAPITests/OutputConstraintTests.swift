import Grammars
import JSON
import OpenAIAPI
import Testing

@Suite struct OutputConstraintTests {
    private static let schema: JSONValue = ["type": "object", "properties": ["a": [:]]]

    private func constraint(_ members: JSONObject) throws -> GrammarExpression? {
        var chat = members
        chat["model"] = "m"
        chat["messages"] = [["role": "user", "content": "x"]]
        let request = try ChatCompletionRequest.parse(.object(chat))
        var text = members
        text["model"] = "m"
        text["prompt"] = "x"
        let completion = try CompletionRequest.parse(.object(text))
        #expect(request.generations()[0].constraint == completion.generations()[0].constraint)
        #expect(request.ignoredParameters.isEmpty && completion.ignoredParameters.isEmpty)
        return request.generations()[0].constraint
    }

    @Test(
        arguments: [
            (["response_format": ["type": "text"]], nil),
            (["grammar": "", "json_schema": ""], nil),
            (["response_format": ["type": "json_object"]], .jsonObject),
            (
                ["response_format": ["type": "json_object", "schema": schema]],
                .jsonSchema(schema, path: "response_format.schema")
            ),
            (
                [
                    "response_format": [
                        "type": "json_schema",
                        "json_schema": [
                            "name": "n", "strict": true, "description": "d", "schema": schema,
                        ],
                    ]
                ],
                .jsonSchema(schema, path: "response_format.json_schema.schema")
            ),
            (
                ["response_format": ["type": "json_schema", "json_schema": ["name": "n"]]],
                .jsonObject
            ),
            (["grammar": "root ::= \"a\""], .gbnf("root ::= \"a\"", path: "grammar")),
            (["json_schema": schema], .jsonSchema(schema, path: "json_schema")),
            (["guided_json": "true"], .jsonSchema(true, path: "guided_json")),
            (["guided_regex": "a+"], .regex("a+", path: "guided_regex")),
            (["guided_choice": ["a", "b"]], .oneOf(["a", "b"])),
            (["guided_grammar": "root ::= [a]"], .gbnf("root ::= [a]", path: "guided_grammar")),
            (
                ["structured_outputs": ["json": schema]],
                .jsonSchema(schema, path: "structured_outputs.json")
            ),
            (["structured_outputs": ["choice": ["x"], "regex": nil]], .oneOf(["x"])),
            (["structured_outputs": ["json_object": true]], .jsonObject),
        ] as [(JSONObject, GrammarExpression?)]
    )
    func `reads every way to constrain the output`(
        members: JSONObject,
        expected: GrammarExpression?
    ) throws {
        #expect(try constraint(members) == expected)
    }

    @Test(
        arguments: [
            (["response_format": ["type": "xml"]], "response_format.type"),
            (["response_format": [:]], "response_format.type"),
            (["response_format": "json"], "response_format"),
            (["response_format": ["type": "json_schema"]], "response_format.json_schema"),
            (
                ["response_format": ["type": "json_schema", "json_schema": ["schema": 1]]],
                "response_format.json_schema.schema"
            ),
            (["guided_json": "{"], "guided_json"),
            (["guided_choice": []], "guided_choice"),
            (["guided_choice": ["a", 1]], "guided_choice[1]"),
            (["grammar": ["a"]], "grammar"),
            (["grammar": "root ::= \"a\"", "guided_regex": "a"], "guided_regex"),
            (["structured_outputs": [:]], "structured_outputs"),
            (["structured_outputs": ["regex": "a", "choice": ["b"]]], "structured_outputs"),
            (["structured_outputs": ["structural_tag": "x"]], "structured_outputs.structural_tag"),
        ] as [(JSONObject, String)]
    )
    func `refuses what asks for nothing clear, by its name`(
        members: JSONObject,
        parameter: String
    ) {
        let error = #expect(throws: APIError.self) { try constraint(members) }
        #expect(error?.status == 400)
        #expect(error?.parameter == parameter)
    }
}

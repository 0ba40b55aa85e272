import JSON
import OpenAIAPI
import Testing
import WorkerProtocol

@Suite struct EmbeddingsRequestTests {
    /// The members of OpenAI's request type as of openai 3.54.
    private static let openAIFields = ["dimensions", "encoding_format", "input", "model", "user"]

    @Test(arguments: [
        ("\"a\"", [EmbeddingRequest.Input.text("a")]),
        (#"["a","b"]"#, [.text("a"), .text("b")]),
        ("[1,2]", [.tokens([1, 2])]), ("[[1],[2,3]]", [.tokens([1]), .tokens([2, 3])]),
        (#"["a",[2,3]]"#, [.text("a"), .tokens([2, 3])]),
    ])
    func `reads every form of input`(
        _ input: String,
        _ expected: [EmbeddingRequest.Input]
    ) throws {
        let request = try parse("\"input\":\(input)")
        #expect(request.inputs == expected)
        #expect(request.isList == ["[[", "[\""].contains(input.prefix(2)))
        #expect(request.encoding == .float && request.dimensionCount == nil)
    }

    @Test(arguments: [
        ("\"x\":1", "input"), ("\"input\":null", "input"), ("\"input\":[]", "input"),
        ("\"input\":\"\"", "input"), ("\"input\":[\"a\",\"\"]", "input[1]"),
        ("\"input\":[[]]", "input[0]"), ("\"input\":[-1]", "input[0]"),
        ("\"input\":[1,\"a\"]", "input[1]"), ("\"input\":[\"a\",1]", "input[1]"),
        ("\"input\":[\"a\",null]", "input[1]"), ("\"input\":[[1],[2,\"a\"]]", "input[1][1]"),
        ("\"input\":[2147483648]", "input[0]"), ("\"input\":{}", "input"),
        ("\"input\":\"a\",\"encoding_format\":\"int8\"", "encoding_format"),
        ("\"input\":\"a\",\"encoding_format\":1", "encoding_format"),
        ("\"input\":\"a\",\"dimensions\":0", "dimensions"),
        ("\"input\":\"a\",\"dimensions\":\"8\"", "dimensions"),
        ("\"input\":\"a\",\"truncate_prompt_tokens\":8", "truncate_prompt_tokens"),
        ("\"input\":\"a\",\"embd_normalize\":-1", "embd_normalize"),
        ("\"input\":\"a\",\"keep_alive\":[]", "keep_alive"),
        ("\"input\":\"a\",\"user\":1", "user"),
    ])
    func `refuses a wrong request and names the place`(_ members: String, _ parameter: String) {
        let error = #expect(throws: APIError.self) { try parse(members) }
        #expect(error?.status == 400)
        #expect(error?.parameter == parameter)
    }

    @Test func `takes as many inputs as OpenAI does, and no more`() throws {
        func inputs(_ count: Int) -> String {
            "\"input\":[\(Array(repeating: "\"a\"", count: count).joined(separator: ","))]"
        }
        #expect(try parse(inputs(2048)).inputs.count == 2048)
        let error = #expect(throws: APIError.self) { try parse(inputs(2049)) }
        #expect(error?.parameter == "input" && error?.code == "array_above_max_length")
        // An array of token ids is one input, however long.
        let ids = Array(repeating: "1", count: 4096).joined(separator: ",")
        #expect(try parse("\"input\":[\(ids)]").inputs.count == 1)
    }

    @Test func `knows every member of OpenAI's request, and names the others`() throws {
        let known = Set(EmbeddingsRequest.fields.fields.map(\.name))
        #expect(Set(Self.openAIFields).subtracting(known).isEmpty)
        let request = try parse(
            #""input":"a","user":"u","dimensions":8,"encoding_format":"base64","late":1"#
        )
        #expect(request.user == "u" && request.dimensionCount == 8 && request.encoding == .base64)
        #expect(request.ignoredParameters == ["late"])
    }

    @Test(arguments: EmbeddingsRequest.fields.fields)
    func `accepts null for every optional member`(_ field: RequestField) throws {
        guard field.name != "input", field.name != "model" else { return }
        #expect(try parse("\"input\":\"a\",\"\(field.name)\":null").ignoredParameters.isEmpty)
    }

    private func parse(_ members: String) throws -> EmbeddingsRequest {
        try EmbeddingsRequest.parse(JSONValue.parse("{\"model\":\"m\",\(members)}"))
    }
}

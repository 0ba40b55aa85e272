import JSON
import OpenAIAPI
import Testing

@Suite struct RequestFieldTableTests {
    /// The members of OpenAI's request types as of openai 3.54.
    static let chatFields = [
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
        "max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model",
        "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty",
        "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
        "response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream",
        "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
        "verbosity", "web_search_options",
    ]
    static let completionFields = [
        "best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "model",
        "n", "presence_penalty", "prompt", "seed", "stop", "stream", "stream_options", "suffix",
        "temperature", "top_p", "user",
    ]

    static let chat: JSONValue = [
        "model": "m", "messages": [["role": "user", "content": "hello"]],
    ]
    static let completion: JSONValue = ["model": "m", "prompt": "hello"]

    static let unsupported: [(String, JSONValue)] = [
        ("modalities", ["text", "audio"])
    ]
    static let harmless: [(String, JSONValue)] = [
        ("response_format", ["type": "text"]), ("tool_choice", "auto"), ("function_call", "none"),
        ("modalities", ["text"]),
        ("tools", []), ("logit_bias", [:]), ("stop", []), ("store", true),
        ("metadata", ["a": "b"]), ("service_tier", "auto"), ("n", 1.0), ("max_tokens", 5.0),
    ]

    @Test func `knows every member of OpenAI's chat request`() {
        let known = Set(ChatCompletionRequest.fields.fields.map(\.name))
        #expect(Set(Self.chatFields).subtracting(known).isEmpty)
    }

    @Test func `knows every member of OpenAI's completion request`() {
        let known = Set(CompletionRequest.fields.fields.map(\.name))
        #expect(Set(Self.completionFields).subtracting(known).isEmpty)
    }

    @Test(arguments: ChatCompletionRequest.fields.fields)
    func `accepts null for every optional member of a chat`(_ field: RequestField) throws {
        guard field.name != "messages", field.name != "model" else { return }
        let request = try ChatCompletionRequest.parse(with(Self.chat, field.name, nil))
        #expect(request.ignoredParameters.isEmpty)
    }

    @Test(arguments: CompletionRequest.fields.fields)
    func `accepts null for every optional member of a completion`(_ field: RequestField) throws {
        guard field.name != "prompt", field.name != "model" else { return }
        let request = try CompletionRequest.parse(with(Self.completion, field.name, nil))
        #expect(request.ignoredParameters.isEmpty)
    }

    @Test(arguments: ChatCompletionRequest.fields.fields)
    func `honours or refuses a wrong kind of value in a chat, naming it`(_ field: RequestField) {
        // No member takes an array of one object with an unknown key.
        let nonsense: JSONValue = [["no": "such thing"]]
        let error = #expect(
            throws: APIError.self,
            performing: {
                guard case .accepted = field.treatment else {
                    _ = try ChatCompletionRequest.parse(with(Self.chat, field.name, nonsense))
                    return
                }
                throw APIError.invalidRequest("not checked", parameter: field.name)
            }
        )
        #expect(error?.status == 400)
        #expect(error?.parameter?.hasPrefix(field.name) == true)
    }

    @Test(arguments: CompletionRequest.fields.fields)
    func `honours or refuses a wrong kind of value in a completion`(_ field: RequestField) {
        let nonsense: JSONValue = [["no": "such thing"]]
        let error = #expect(
            throws: APIError.self,
            performing: {
                guard case .accepted = field.treatment else {
                    _ = try CompletionRequest.parse(with(Self.completion, field.name, nonsense))
                    return
                }
                throw APIError.invalidRequest("not checked", parameter: field.name)
            }
        )
        #expect(error?.status == 400)
        #expect(error?.parameter?.hasPrefix(field.name) == true)
    }

    @Test(arguments: unsupported)
    func `refuses what it cannot honour`(_ name: String, _ value: JSONValue) {
        let error = #expect(throws: APIError.self) {
            try ChatCompletionRequest.parse(with(Self.chat, name, value))
        }
        #expect(error?.status == 400)
        #expect(error?.parameter == name)
        #expect(error?.code == "unsupported_parameter")
    }

    @Test(arguments: harmless)
    func `accepts values that change nothing`(_ name: String, _ value: JSONValue) throws {
        let request = try ChatCompletionRequest.parse(with(Self.chat, name, value))
        #expect(request.ignoredParameters.isEmpty)
    }

    @Test func `names unknown members in order and drops them`() throws {
        var body = with(Self.chat, "mirostat", 2)
        body = with(body, "foo", ["bar": 1])
        body = with(body, "absent", nil)
        #expect(try ChatCompletionRequest.parse(body).ignoredParameters == ["mirostat", "foo"])
    }

    private func with(_ body: JSONValue, _ name: String, _ value: JSONValue) -> JSONValue {
        var object = body.objectValue ?? [:]
        object[name] = .some(value)
        return .object(object)
    }
}

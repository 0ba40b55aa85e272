package import JSON
package import WorkerProtocol

/// A checked `POST /v1/chat/completions` request (OpenAI's `CreateChatCompletionRequest`).
package struct ChatCompletionRequest: Sendable, Hashable {
    /// The model's name as the client wrote it; answers echo it.
    package var model: String
    /// The conversation for the model's template: normalised messages, tools, extra arguments.
    package var conversation: ChatPrompt
    /// A text that much of the answer is expected to equal.
    package var prediction: String?
    /// How to sample, when to stop, how to answer.
    package var options: GenerationOptions
    /// Alternatives per token for `logprobs`, 0...20; nil: no log-probabilities.
    package var topLogprobCount: Int?
    /// Whether calls are written in OpenAI's deprecated form, as the request's functions are.
    package var usesFunctions: Bool
    /// Names of unknown members, in the order of the request, for `x-ignored-params`.
    package var ignoredParameters: [String]

    /// Reads and checks a request body.
    ///
    /// - Throws: 400 whose `param` names the first member that is wrong or cannot be honoured.
    package static func parse(
        _ body: JSONValue,
        limits: RequestLimits = RequestLimits()
    ) throws(APIError) -> ChatCompletionRequest {
        let reader = try ParameterReader(body: body)
        let ignored = try fields.check(reader.object)
        let model = try reader.required("model", try reader.string("model"))
        let conversation = try ChatMessageParser(limits: limits).conversation(reader)
        let options = try GenerationOptions.parse(
            reader,
            outputLimits: ["max_tokens", "max_completion_tokens"],
            minimumOutputCount: 1,
            limits: limits
        )
        return ChatCompletionRequest(
            model: model,
            conversation: conversation,
            prediction: try prediction(reader, limits: limits),
            options: options,
            topLogprobCount: try topLogprobCount(reader),
            usesFunctions: ChatMessageParser.usesFunctions(reader),
            ignoredParameters: ignored
        )
    }

    /// One generation per choice.
    ///
    /// With a seed, choice k samples with the seed plus k, so that the choices differ and each can
    /// be repeated.
    package func generations() -> [GenerationRequest] {
        (0..<options.choiceCount).map { choice in
            options.generation(
                prompt: .chat(conversation),
                choice: choice,
                topLogprobCount: topLogprobCount,
                echo: false,
                prediction: prediction
            )
        }
    }

    private static func prediction(
        _ body: ParameterReader,
        limits: RequestLimits
    ) throws(APIError) -> String? {
        guard let reader = try body.object("prediction") else { return nil }
        let type = try reader.required("type", try reader.string("type"))
        guard type == "content" else {
            throw .unsupportedValue(
                reader.path(of: "type"),
                reason: "the only type of a prediction is 'content'"
            )
        }
        return try ChatMessageParser(limits: limits).requiredContent(reader)
    }

    private static func topLogprobCount(_ reader: ParameterReader) throws(APIError) -> Int? {
        let wantsLogprobs = try reader.bool("logprobs") ?? false
        let count = try reader.integer(
            "top_logprobs",
            in: 0...GenerationRequest.maximumTopLogprobCount
        )
        if let count, count > 0, !wantsLogprobs {
            throw .invalidRequest(
                "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
                parameter: "top_logprobs"
            )
        }
        return wantsLogprobs ? count ?? 0 : nil
    }
}

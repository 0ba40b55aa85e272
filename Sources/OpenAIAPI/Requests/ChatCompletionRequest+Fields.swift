import JSON

extension ChatCompletionRequest {
    private static let outputParsing =
        "is not supported yet: this server does not parse the model's output"

    /// Every member of OpenAI's `CreateChatCompletionRequest`, and the extensions of vLLM and
    /// llama-server that clients send.
    package static let fields = RequestFieldTable(
        RequestField.honoured(
            "messages",
            "model",
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "n",
            "presence_penalty",
            "safety_identifier",
            "seed",
            "stop",
            "stream",
            "stream_options",
            "temperature",
            "tools",
            "top_logprobs",
            "top_p",
            "user"
        ),
        // Without effect by nature on one's own machine, or hints that may be ignored.
        RequestField.accepted(
            "metadata",
            "moderation",
            "parallel_tool_calls",
            "prediction",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "reasoning_effort",
            "service_tier",
            "store",
            "verbosity"
        ),
        RequestField.refused(
            "tool_choice",
            harmless: ["none", "auto"],
            reason: outputParsing + "; only \"none\" and \"auto\" are accepted"
        ),
        RequestField.refused("audio", reason: "is not supported: this server produces text only"),
        RequestField.refused(
            "modalities",
            harmless: [["text"], []],
            reason: "must be [\"text\"]: this server produces text only"
        ),
        RequestField.refused(
            "functions",
            harmless: [[]],
            reason: "is deprecated and not supported; use 'tools'"
        ),
        RequestField.refused(
            "function_call",
            harmless: ["none", "auto"],
            reason: "is deprecated and not supported; use 'tool_choice'"
        ),
        RequestField.refused(
            "web_search_options",
            reason: "is not supported: this server does not search the web"
        ),
        RequestField.extensions,
        RequestField.honoured("add_generation_prompt", "chat_template_kwargs"),
        RequestField.refused(
            "continue_final_message",
            harmless: [false],
            reason: "is not supported yet"
        ),
        RequestField.outputConstraints
    )
}

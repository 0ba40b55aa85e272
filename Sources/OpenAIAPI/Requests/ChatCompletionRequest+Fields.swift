import JSON

extension ChatCompletionRequest {
    /// Every member of OpenAI's `CreateChatCompletionRequest`, and the extensions of vLLM and
    /// llama-server that clients send.
    package static let fields = RequestFieldTable(
        RequestField.honoured(
            "messages",
            "model",
            "frequency_penalty",
            "function_call",
            "functions",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "n",
            "parallel_tool_calls",
            "prediction",
            "presence_penalty",
            "reasoning_effort",
            "safety_identifier",
            "seed",
            "stop",
            "stream",
            "stream_options",
            "temperature",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
            "user"
        ),
        // Without effect by nature on one's own machine, or hints that may be ignored.
        RequestField.accepted(
            "metadata",
            "moderation",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "service_tier",
            "store",
            "verbosity"
        ),
        RequestField.refused("audio", reason: "is not supported: this server produces text only"),
        RequestField.refused(
            "modalities",
            harmless: [["text"], []],
            reason: "must be [\"text\"]: this server produces text only"
        ),
        RequestField.refused(
            "web_search_options",
            reason: "is not supported: this server does not search the web"
        ),
        RequestField.extensions,
        // The reasoning budget has a name in each server.
        RequestField.honoured(
            "add_generation_prompt",
            "chat_template_kwargs",
            "continue_final_message",
            "reasoning_budget",
            "thinking_budget",
            "thinking_budget_tokens",
            "thinking_token_budget"
        ),
        RequestField.outputConstraints
    )
}

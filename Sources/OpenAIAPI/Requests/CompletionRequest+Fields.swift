import JSON

extension CompletionRequest {
    /// Every member of OpenAI's `CreateCompletionRequest`, and the extensions of vLLM and
    /// llama-server that clients send.
    package static let fields = RequestFieldTable(
        RequestField.honoured(
            "model",
            "prompt",
            "best_of",
            "echo",
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "max_tokens",
            "n",
            "presence_penalty",
            "seed",
            "stop",
            "stream",
            "stream_options",
            "temperature",
            "top_p"
        ),
        RequestField.accepted("user"),
        RequestField.refused(
            "suffix",
            harmless: [""],
            reason: "is not supported yet: this server does not fill in the middle"
        ),
        // Extensions.
        RequestField.honoured(
            "ignore_eos",
            "min_p",
            "repeat_last_n",
            "repeat_penalty",
            "repetition_penalty",
            "top_k"
        ),
        RequestField.accepted("cache_prompt", "keep_alive"),
        RequestField.refused(
            "grammar",
            "guided_choice",
            "guided_grammar",
            "guided_json",
            "guided_regex",
            "json_schema",
            "structured_outputs",
            "response_format",
            reason: "is not supported yet: this server does not constrain the model's output"
        )
    )
}

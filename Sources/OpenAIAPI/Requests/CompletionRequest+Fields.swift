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
            "safety_identifier",
            "seed",
            "stop",
            "stream",
            "stream_options",
            "suffix",
            "temperature",
            "top_p",
            "user"
        ),
        RequestField.extensions,
        RequestField.outputConstraints
    )
}

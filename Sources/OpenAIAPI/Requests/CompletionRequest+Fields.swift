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
            "temperature",
            "top_p",
            "user"
        ),
        RequestField.refused(
            "suffix",
            harmless: [""],
            reason: "is not supported yet: this server does not fill in the middle"
        ),
        RequestField.extensions,
        RequestField.outputConstraints
    )
}

extension GenerationFailure {
    /// What is told to who asks a model for something that it is not made for.
    ///
    /// - Parameters:
    ///   - wanted: What was asked for.
    ///   - actual: What can be asked of the model.
    /// - Returns: The failure, which blames `model`.
    package static func wrongTask(_ wanted: ModelTask, of actual: ModelTask) -> GenerationFailure {
        let advice =
            switch actual {
            case .generate: "generates text: use /v1/chat/completions or /v1/completions"
            case .embed: "makes embeddings: use /v1/embeddings"
            case .rerank: "scores documents beside a query: use /v1/rerank"
            }
        let wish =
            switch wanted {
            case .generate: "text"
            case .embed: "embeddings"
            case .rerank: "scores"
            }
        return GenerationFailure(
            kind: .invalidRequest(parameter: "model"),
            message: "This model \(advice), or another model for \(wish)."
        )
    }
}

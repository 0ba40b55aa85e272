import APIKeys
import HTTP
import JSON
import ModelService
import OpenAIAPI
import WorkerProtocol

// The endpoints that make vectors and scores of texts.
extension Gateway {
    /// `POST /v1/embeddings`.
    func embeddings(
        _ request: HTTPRequest,
        _ key: APIKey?,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Answer {
        let parsed = try EmbeddingsRequest.parse(try json(request))
        let response = EmbeddingsResponse(
            model: parsed.model,
            encoding: parsed.encoding,
            dimensionCount: parsed.dimensionCount
        )
        return try await embed(
            .embed(parsed.inputs, isList: parsed.isList),
            form: .embeddings(response),
            for: request,
            account: account(request, key, user: parsed.user),
            model: parsed.model,
            keepAlive: parsed.keepAlive,
            ignored: parsed.ignoredParameters,
            &record
        )
    }

    /// `POST /v1/rerank`.
    func rerank(
        _ request: HTTPRequest,
        _ key: APIKey?,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Answer {
        let parsed = try RerankRequest.parse(try json(request))
        let model = try await modelName(parsed.model)
        return try await embed(
            .rerank(query: parsed.query, documents: parsed.documents),
            form: .rerank(RerankResponse(request: parsed, model: model)),
            for: request,
            account: account(request, key, user: nil),
            model: model,
            keepAlive: parsed.keepAlive,
            ignored: parsed.ignoredParameters,
            &record
        )
    }

    private func embed(
        _ work: EmbeddingRequest.Work,
        form: EmbeddingAnswer.Form,
        for request: HTTPRequest,
        account: GenerationAccount,
        model: String,
        keepAlive: String?,
        ignored: [String],
        _ record: inout RequestRecord
    ) async throws(APIError) -> Answer {
        record.model = model
        record.embedding = (work.task, work.count)
        var headers: HTTPHeaders = [:]
        if let value = Self.ignoredParameters(ignored) { headers.add("x-ignored-params", value) }
        let stream = service.embed(
            EmbeddingRequest(work: work, account: account),
            model: model,
            keepAlive: try Self.keepAlive(keepAlive)
        )
        let reader = try reader(
            stream,
            for: request,
            account: account,
            model: model,
            promptParameter: work.task == .rerank ? "documents" : "input",
            &record
        )
        let content = EmbeddingAnswer(form, count: work.count)
        return try await whole(reader, content, headers: headers, &record)
    }
}

import JSON
import ModelService
import OpenAIAPI
import WorkerProtocol

// OpenAI's list of models.
extension Gateway {
    /// `GET /v1/models`: those that the caller may use.
    func models(_ caller: Caller) async -> Reply {
        let listings = await service.status().filter { status in
            caller.maySee(modelNamed: [status.entry.id] + status.entry.aliases)
        }
        .map { ModelListing($0) }
        return .json(ModelListing.list(listings))
    }

    /// `GET /v1/models/{id}`.
    func model(_ id: String) async throws(APIError) -> Reply {
        .json(ModelListing(try await modelStatus(id)).json)
    }

    /// The status of a model by any of its names, or 404.
    func modelStatus(_ name: String) async throws(APIError) -> ModelStatus {
        do throws(ModelServiceError) {
            return try await service.status(named: name)
        } catch {
            throw APIError(error)
        }
    }
}

extension ModelListing {
    init(_ status: ModelStatus) {
        var meta: JSONObject = ["size": .integer(status.entry.byteCount)]
        if let facts = status.facts {
            meta["n_ctx"] = .integer(facts.contextLength)
            meta["n_ctx_train"] = .integer(facts.trainedContextLength)
            meta["n_params"] = .integer(facts.parameterCount)
            meta["n_embd"] = .integer(facts.embeddingLength)
            meta["n_vocab"] = .integer(facts.vocabularySize)
        }
        self.init(
            id: status.entry.id,
            created: status.entry.modificationTime,
            status: status.state.listedName,
            contextLength: status.facts?.contextLength ?? status.entry.settings.contextLength,
            capabilities: (status.facts?.tasks ?? []).map(\.capability),
            meta: meta,
            root: status.entry.adapter.map { adapter in
                // No client needs to know the server's folders.
                adapter.setting.path.split(separator: "/").last.map(String.init) ?? ""
            },
            parent: status.entry.adapter == nil ? nil : status.entry.variantOf
        )
    }
}

extension ModelTask {
    /// Ollama's word for it.
    fileprivate var capability: String {
        switch self {
        case .generate: "completion"
        case .embed: "embedding"
        case .rerank: "rerank"
        }
    }
}

extension ModelStatus.State {
    /// The words of llama-server's router, which Open WebUI reads.
    fileprivate var listedName: String {
        switch self {
        case .unloaded, .draining: "unloaded"
        case .waiting, .loading: "loading"
        case .resident: "loaded"
        case .failed: "failed"
        }
    }
}

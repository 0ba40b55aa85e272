import APIKeys
import CResources
import HTTP
import JSON
import ModelService
import OpenAIAPI

// From a route to its answer, and the endpoints that need no model.
extension Gateway {
    func answer(
        _ route: Route,
        _ parameter: String?,
        _ request: HTTPRequest,
        _ caller: Caller,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Answer {
        try await checkModel(route, parameter, request, caller)
        let key = caller.key
        switch route.endpoint {
        case .chatCompletions: return try await chatCompletions(request, key, &record)
        case .completions: return try await completions(request, key, &record)
        case .embeddings: return try await embeddings(request, key, &record)
        case .rerank: return try await rerank(request, key, &record)
        case .inputTokens: return .whole(try await countInputTokens(request, &record))
        case .models: return .whole(await models(caller))
        case .model: return .whole(try await model(parameter ?? ""))
        case .tokenize: return .whole(try await tokenize(request, &record))
        case .detokenize: return .whole(try await detokenize(request, &record))
        case .applyTemplate: return .whole(try await applyTemplate(request, &record))
        case .root: return .whole(.text("Torii is running\n"))
        case .liveness, .health: return .whole(Self.alive)
        case .readiness: return .whole(await readiness())
        case .version: return .whole(.json(["version": .string(configuration.version)]))
        case .openAPI: return .whole(openAPI())
        case .metrics: return .whole(await metricsDocument())
        case .adminStatus: return .whole(await adminStatus())
        case .adminModels: return .whole(await adminModels())
        case .listAdapters: return .whole(try await listAdapters(parameter ?? ""))
        case .addAdapter: return .whole(try await addAdapter(parameter ?? "", request))
        case .removeAdapter: return .whole(try await removeAdapter(parameter ?? ""))
        case .adminModel: return .whole(try await adminModel(parameter ?? ""))
        case .loadModel: return .whole(try await loadModel(parameter ?? "", request))
        case .unloadModel: return .whole(try await unloadModel(parameter ?? "", request))
        case .pinModel: return .whole(try await pinModel(parameter ?? "", isPinned: true))
        case .unpinModel: return .whole(try await pinModel(parameter ?? "", isPinned: false))
        case .planLoad: return .whole(try await planLoad(request))
        case .adminEvents: return try adminEvents()
        case .reload: return .whole(try await reloadConfiguration(request, caller))
        case .routerLoad: return .whole(try await routerLoad(request))
        case .routerUnload: return .whole(try await routerUnload(request))
        case .routerEvents: return try routerEvents()
        case .swapRunning: return .whole(await swapRunning())
        case .swapUnloadAll: return .whole(try await swapUnloadAll())
        case .swapUnloadModels: return .whole(try await swapUnloadModels())
        case .swapUnload: return .whole(try await swapUnload(parameter ?? ""))
        case .studioModels: return .whole(await studioModels())
        case .studioLoad: return .whole(try await studioLoad(request))
        case .studioUnload: return .whole(try await studioUnload(request))
        case .adminRequests: return .whole(adminRequests())
        case .cancelRequest:
            return .whole(try cancelRequest(parameter ?? "", request, caller))
        case .listKeys: return .whole(listKeys())
        case .addKey: return .whole(try await addKey(request, caller))
        case .revokeKey: return .whole(try await revokeKey(parameter ?? "", request, caller))
        case .usage: return .whole(try usageDocument(request))
        }
    }

    /// Hides models from a key that may not use them, whatever the endpoint: 404, as if there were
    /// none of that name.
    private func checkModel(
        _ route: Route,
        _ parameter: String?,
        _ request: HTTPRequest,
        _ caller: Caller
    ) async throws(APIError) {
        guard let terms = caller.key?.terms, !terms.models.isEmpty else { return }
        let name: String
        if route.endpoint == .model {
            name = parameter ?? ""
        } else if route.access == .infer {
            // What stands in for a missing name is the only model, which may be another's.
            guard let named = try json(request)["model"]?.stringValue else {
                throw .invalidRequest(
                    "Missing required parameter: 'model'.",
                    parameter: "model",
                    code: "missing_required_parameter"
                )
            }
            name = named
        } else {
            return
        }
        let entries = await service.catalog()
        switch Catalog(entries).resolve(name) {
        case .found(let entry):
            guard !caller.maySee(modelNamed: [entry.id] + entry.aliases) else { return }
            throw APIError(ModelServiceError.unknownModel(name: name))
        case .ambiguous(let ids):
            let visible = entries.filter { entry in
                ids.contains(entry.id) && caller.maySee(modelNamed: [entry.id] + entry.aliases)
            }
            guard !visible.isEmpty else {
                throw APIError(ModelServiceError.unknownModel(name: name))
            }
            let candidates = visible.map(\.id)
            throw APIError(ModelServiceError.ambiguousModel(name: name, candidates: candidates))
        case .unknown: return
        case .unknownAdapter(let model, let adapter, let ids):
            guard let entry = entries.first(where: { $0.id == model }),
                caller.maySee(modelNamed: [entry.id] + entry.aliases)
            else { throw APIError(ModelServiceError.unknownModel(name: name)) }
            let visible = ids.filter { caller.maySee(modelNamed: [$0]) }
            throw APIError(AdapterFailure.unknown(model: model, name: adapter, adapters: visible))
        }
    }

    /// The request's body as JSON, or 400.
    func json(_ request: HTTPRequest) throws(APIError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue.parse(request.body)
        } catch {
            throw .malformedJSON(error)
        }
    }

    /// The description that was compiled in, the same file as at the top of the repository.
    private func openAPI() -> Reply {
        // Safety: the pointer and the count describe one constant array of the executable.
        let bytes = unsafe Array(
            UnsafeBufferPointer(start: torii_openapi_bytes(), count: torii_openapi_byte_count())
        )
        return Reply(contentType: "application/yaml", body: bytes)
    }
}

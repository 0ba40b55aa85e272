import HTTP
import JSON
import ModelService
import OpenAIAPI
import WorkerProtocol

// Adapters of models, as operators see and change them.
extension Gateway {
    /// `GET /admin/v1/models/{id}/adapters`.
    func listAdapters(_ id: String) async throws(APIError) -> Reply {
        let status = try await modelStatus(id)
        let model = status.entry.variantOf ?? status.entry.id
        let adapters = try await serviced { () async throws(ModelServiceError) in
            try await service.adapters(of: model)
        }
        return .json([
            "model": .string(model),
            "adapters": .array(adapters.map { Self.adapterObject($0, model: model) }),
        ])
    }

    /// `POST /admin/v1/models/{id}/adapters`.
    func addAdapter(_ id: String, _ request: HTTPRequest) async throws(APIError) -> Reply {
        let parsed = try AdapterRequest.parse(try json(request), scales: AdapterSetting.scales)
        let name = parsed.name ?? Self.suggestedName(path: parsed.path)
        guard AdapterSetting.isName(name) else {
            throw .invalidRequest(
                "Invalid 'name': `\(name.prefix(128))` is not made of up to 64 letters, digits, `-`, "
                    + "`_` and `.`.",
                parameter: "name"
            )
        }
        let setting = AdapterSetting(name: name, path: parsed.path, scale: parsed.scale)
        let model = try await modelStatus(id).entry
        let added = try await serviced { () async throws(ModelServiceError) in
            try await service.addAdapter(setting, to: model.id)
        }
        var headers: HTTPHeaders = [:]
        if let names = Self.ignoredParameters(parsed.ignoredParameters) {
            headers.add("x-ignored-params", names)
        }
        return .json(
            ["adapter": Self.adapterObject(added, model: model.variantOf ?? model.id)],
            headers: headers
        )
    }

    /// `DELETE /admin/v1/models/{id}/adapters/{name}`, whose parameter is `id:name`.
    func removeAdapter(_ name: String) async throws(APIError) -> Reply {
        let status = try await modelStatus(name)
        try await serviced { () async throws(ModelServiceError) in
            try await service.removeAdapter(status.entry.id)
        }
        return .json(["id": .string(status.entry.id), "removed": true])
    }

    /// The last part of the path without what says that it is a file.
    private static func suggestedName(path: String) -> String {
        let last = path.split(separator: "/").last.map(String.init) ?? ""
        return last.lowercased().hasSuffix(".gguf") ? String(last.dropLast(".gguf".count)) : last
    }

    /// An adapter as the admin API shows it.
    static func adapterObject(_ adapter: AdapterStatus, model: String) -> JSONValue {
        let setting = adapter.entry.setting
        return [
            "id": .string("\(model):\(setting.name)"),
            "name": .string(setting.name),
            "path": .string(setting.path),
            "scale": .double(setting.scale),
            "configured": .bool(adapter.entry.isConfigured),
            "byte_count": .integer(adapter.entry.byteCount),
            "state": .string(adapter.stateName),
            "message": adapter.facts?.problem.map { .string($0) } ?? nil,
            "memory_byte_count": adapter.facts.map { .integer($0.byteCount) } ?? nil,
            "rank": adapter.facts.map { .integer($0.rank) } ?? nil,
        ]
    }
}

extension AdapterStatus {
    /// The word that `torii adapters` shows.
    fileprivate var stateName: String {
        guard let facts else { return "unloaded" }
        return facts.problem == nil ? "resident" : "failed"
    }
}

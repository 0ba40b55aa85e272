import HTTP
import JSON
import ModelService
import OpenAIAPI
import Platform
import Telemetry
import WorkerProtocol

// The admin paths of other tools, for what was written for them: llama-server's router, llama-swap
// and LM Studio. Everything here is said in their words and done by the same service.
extension Gateway {
    // MARK: llama-server's router

    /// `POST /models/load`: answers at once.
    func routerLoad(_ request: HTTPRequest) async throws(APIError) -> Reply {
        let name = try NamedModelRequest.parse(try optionalJSON(request)).model ?? ""
        let status = try await modelStatus(name)
        guard status.state == .unloaded || status.state.isFailed else {
            throw .invalidRequest(
                "The model `\(status.entry.id)` is already \(status.state.name).",
                parameter: "model"
            )
        }
        beginLoad(status.entry.id)
        return .json(["success": true])
    }

    /// `POST /models/unload`.
    func routerUnload(_ request: HTTPRequest) async throws(APIError) -> Reply {
        let name = try NamedModelRequest.parse(try optionalJSON(request)).model ?? ""
        let status = try await modelStatus(name)
        guard status.state != .unloaded else {
            throw .invalidRequest(
                "The model `\(status.entry.id)` is not running.",
                parameter: "model"
            )
        }
        try await unload([status])
        return .json(["success": true])
    }

    /// `GET /models/sse`: its form of the events.
    func routerEvents() throws(APIError) -> Answer {
        try eventStream { event, _ in event.routerJSON }
    }

    // MARK: llama-swap

    /// `GET /running`.
    func swapRunning() async -> Reply {
        let running = await service.status().filter {
            $0.state.swapName != "stopped" && $0.entry.variantOf == nil
        }
        return .json([
            "running": .array(
                running.map { status in
                    [
                        "model": .string(status.entry.id),
                        "state": .string(status.state.swapName),
                        "cmd": "torii worker",
                        "proxy": "",
                        "ttl": .integer(0),
                        "name": .string(status.facts?.name ?? ""),
                        "description": "",
                    ]
                }
            )
        ])
    }

    /// `GET /unload`: all of them.
    func swapUnloadAll() async throws(APIError) -> Reply {
        try await unload(await service.status())
        return .text("OK")
    }

    /// `POST /api/models/unload`: all of them.
    func swapUnloadModels() async throws(APIError) -> Reply {
        try await unload(await service.status())
        return .json(["msg": "ok"])
    }

    /// `POST /api/models/unload/{model}`.
    func swapUnload(_ name: String) async throws(APIError) -> Reply {
        try await unload([try await modelStatus(name)])
        return .text("OK")
    }

    // MARK: LM Studio

    /// `GET /api/v1/models`.
    func studioModels() async -> Reply {
        .json(["models": .array(await service.status().map { $0.studioJSON })])
    }

    /// `POST /api/v1/models/load`: answers once the model is resident.
    func studioLoad(_ request: HTTPRequest) async throws(APIError) -> Reply {
        let parsed = try NamedModelRequest.parse(try optionalJSON(request))
        let started = MonotonicInstant.now()
        let lease = try await serviced { () async throws(ModelServiceError) in
            try await service.lease(
                parsed.model ?? "",
                ModelService.LeaseOptions(contextLength: parsed.contextLength)
            )
        }
        let seconds = MonotonicInstant.now().duration(since: started) / .seconds(1)
        var answer: JSONObject = [
            "type": "llm",
            "instance_id": .string(lease.model),
            "load_time_seconds": .double(seconds),
            "status": "loaded",
        ]
        if parsed.echoesOptions { answer["load_config"] = lease.facts.studioOptions }
        return .json(.object(answer))
    }

    /// `POST /api/v1/models/unload`.
    func studioUnload(_ request: HTTPRequest) async throws(APIError) -> Reply {
        let parsed = try NamedModelRequest.parse(
            try optionalJSON(request),
            nameMember: "instance_id"
        )
        let status = try await modelStatus(parsed.model ?? "")
        try await unload([status])
        return .json(["instance_id": .string(status.entry.id)])
    }

    // MARK: What they share

    /// Begins a load that nobody waits for; its end is in the log and the events.
    private func beginLoad(_ id: String) {
        Task { [service, log] in
            do throws(ModelServiceError) {
                _ = try await service.lease(id)
            } catch {
                log.warning("load by an operator failed", ("model", id), ("reason", "\(error)"))
            }
        }
    }

    private func unload(_ statuses: [ModelStatus]) async throws(APIError) {
        for status in statuses where status.state != .unloaded {
            try await serviced { () async throws(ModelServiceError) in
                try await service.unload(status.entry.id)
            }
        }
    }
}

extension ModelStatus.State {
    fileprivate var isFailed: Bool {
        if case .failed = self { true } else { false }
    }

    /// llama-swap's word.
    fileprivate var swapName: String {
        switch self {
        case .unloaded, .failed: "stopped"
        case .waiting, .loading: "starting"
        case .resident: "ready"
        case .draining: "stopping"
        }
    }
}

extension ModelEvent {
    /// llama-server's `model_status`; nil for what it does not tell.
    fileprivate var routerJSON: JSONValue? {
        var data: JSONObject
        switch kind {
        case .state(let state):
            switch state {
            case .unloaded, .draining: data = ["status": "unloaded"]
            case .waiting, .loading: data = ["status": "loading"]
            case .resident: data = ["status": "loaded"]
            case .failed: data = ["status": "unloaded", "failed": true]
            }
        case .progress(let fraction):
            data = [
                "status": "loading",
                "progress": [
                    "stages": ["text_model"], "current": "text_model", "value": .double(fraction),
                ],
            ]
        case .reload:
            return ["model": "*", "event": "models_reload", "data": [:]]
        case .eviction, .workerExit:
            return nil
        }
        return [
            "model": model.map { .string($0) } ?? nil,
            "event": "model_status",
            "data": .object(data),
        ]
    }
}

extension ModelStatus {
    /// An element of LM Studio's list.
    fileprivate var studioJSON: JSONValue {
        var instances: [JSONValue] = []
        if state == .resident, let facts {
            instances = [["id": .string(entry.id), "config": facts.studioOptions]]
        }
        return [
            "type": "llm",
            "publisher": "",
            "key": .string(entry.id),
            "display_name": .string(facts?.name ?? entry.id),
            "architecture": facts.map { .string($0.architecture) } ?? nil,
            "quantization": facts.map { ["name": .string($0.quantization)] } ?? nil,
            "size_bytes": .integer(entry.byteCount),
            "params_string": nil,
            "loaded_instances": .array(instances),
            "max_context_length": facts.map { .integer($0.trainedContextLength) } ?? nil,
            "format": "gguf",
            "capabilities": ["vision": false],
            "description": nil,
        ]
    }
}

extension ModelFacts {
    /// LM Studio's `load_config`.
    fileprivate var studioOptions: JSONValue {
        [
            "context_length": .integer(contextLength),
            "parallel": .integer(maximumSequenceCount),
            "flash_attention": true,
            "offload_kv_cache_to_gpu": false,
        ]
    }
}

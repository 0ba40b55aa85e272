import HTTP
import JSON
import ModelService
import OpenAIAPI
import Platform
import WorkerProtocol

// Loading and unloading models by hand.
extension Gateway {
    /// `POST /admin/v1/models/{id}/load`: 202 with the plan, or 200 once the model is resident.
    func loadModel(_ id: String, _ request: HTTPRequest) async throws(APIError) -> Reply {
        let parsed = try ModelLoadRequest.parse(try optionalJSON(request))
        let options = try leaseOptions(parsed)
        let planned = try await serviced { () async throws(ModelServiceError) in
            try await service.plan(id, options)
        }
        let headers = ignoredHeaders(parsed)
        if parsed.isDryRun { return .json(planned.json, headers: headers) }
        let outcome = planned.plan.outcome
        if outcome == .neverFits || outcome == .evictionNotAllowed {
            throw APIError(ModelServiceError.insufficientMemory(model: planned.model, planned.plan))
        }
        let started = MonotonicInstant.now()
        // The load goes on when the client does not wait for it, or no longer.
        let load = Task { [service] () -> ModelServiceError? in
            do throws(ModelServiceError) {
                _ = try await service.lease(planned.model, options)
                return nil
            } catch {
                return error
            }
        }
        guard parsed.waits else {
            let status = try await modelStatus(planned.model)
            return .json(
                ["model": Self.modelObject(status), "plan": planned.json],
                status: 202,
                headers: headers
            )
        }
        if let error = await load.value { throw APIError(error) }
        let seconds = MonotonicInstant.now().duration(since: started) / .seconds(1)
        let status = try await modelStatus(planned.model)
        return .json(
            ["model": Self.modelObject(status), "load_seconds": .double(seconds)],
            headers: headers
        )
    }

    /// `POST /admin/v1/models/{id}/unload`: 202, or 200 once the memory is back.
    func unloadModel(_ id: String, _ request: HTTPRequest) async throws(APIError) -> Reply {
        let parsed = try ModelLoadRequest.parse(try optionalJSON(request))
        let headers = ignoredHeaders(parsed)
        try await serviced { () async throws(ModelServiceError) in
            try await service.unload(id)
            if parsed.waits { try await service.awaitUnloaded(id) }
        }
        let status = try await modelStatus(id)
        return .json(
            ["model": Self.modelObject(status)],
            status: status.state == .unloaded ? 200 : 202,
            headers: headers
        )
    }

    /// `POST /admin/v1/models/{id}/pin` and `…/unpin`.
    func pinModel(_ id: String, isPinned: Bool) async throws(APIError) -> Reply {
        try await serviced { () async throws(ModelServiceError) in
            try await service.pin(id, isPinned)
        }
        return .json(["model": Self.modelObject(try await modelStatus(id))])
    }

    /// `POST /admin/v1/plan`.
    func planLoad(_ request: HTTPRequest) async throws(APIError) -> Reply {
        let parsed = try ModelLoadRequest.parse(try json(request))
        guard let model = parsed.model else {
            throw .invalidRequest(
                "Missing required parameter: 'model'.",
                parameter: "model",
                code: "missing_required_parameter"
            )
        }
        let options = try leaseOptions(parsed)
        let planned = try await serviced { () async throws(ModelServiceError) in
            try await service.plan(model, options)
        }
        return .json(planned.json, headers: ignoredHeaders(parsed))
    }

    /// `GET /admin/v1/events`: what happens from now on, until the client or the server ends it.
    func adminEvents() throws(APIError) -> Answer {
        try eventStream { event, number in event.json(number: number) }
    }

    /// A stream of events in a form of its own; what has none is left out.
    func eventStream(
        _ form: @escaping @Sendable (ModelEvent, Int) -> JSONValue?
    ) throws(APIError) -> Answer {
        guard let events = service.watch() else { throw .tooManyWatchers }
        return .streamed(
            ModelEventsBody(
                events: events,
                interval: configuration.limits.keepAlivePeriod,
                form: form
            ),
            headers: [
                "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no",
            ]
        )
    }

    private func leaseOptions(
        _ request: ModelLoadRequest
    ) throws(APIError) -> ModelService.LeaseOptions {
        ModelService.LeaseOptions(
            keepAlive: try Self.keepAlive(request.keepAlive),
            mayEvict: request.mayEvict,
            contextLength: request.contextLength
        )
    }

    /// What a client's `keep_alive` means, or 400.
    static func keepAlive(_ text: String?) throws(APIError) -> KeepAlive? {
        guard let text else { return nil }
        guard let keepAlive = KeepAlive(text) else {
            throw .invalidRequest(
                "Invalid 'keep_alive': expected seconds or a duration like \"5m\" or \"1h30m\"; a "
                    + "negative one means for ever.",
                parameter: "keep_alive"
            )
        }
        return keepAlive
    }

    private func ignoredHeaders(_ request: ModelLoadRequest) -> HTTPHeaders {
        guard let names = Self.ignoredParameters(request.ignoredParameters) else { return [:] }
        return ["x-ignored-params": names]
    }

    /// The body as JSON, nil if there is none.
    func optionalJSON(_ request: HTTPRequest) throws(APIError) -> JSONValue? {
        // `nil` alone would be JSON's null.
        request.body.isEmpty ? Optional.none : try json(request)
    }

    /// The service's answer; its errors in the API's words.
    func serviced<Result>(
        _ body: () async throws(ModelServiceError) -> Result
    ) async throws(APIError) -> Result {
        do throws(ModelServiceError) {
            return try await body()
        } catch {
            throw APIError(error)
        }
    }
}

extension ModelService.Planned {
    /// As the admin API shows it, in bytes.
    fileprivate var json: JSONValue {
        let footprint = need.footprint
        return [
            "model": .string(model),
            "outcome": .string(isResident ? "resident" : plan.outcome.name),
            "fits": .bool(isResident || plan.outcome == .fits || plan.outcome == .evict),
            "unload_first": .bool(mustUnloadFirst),
            "context": .integer(footprint.contextLength),
            "needed_bytes": .integer(need.byteCount),
            "weight_bytes": .integer(footprint.weightByteCount),
            "scratch_bytes": .integer(footprint.scratchByteCount),
            "adapter_bytes": .integer(footprint.adapterByteCount),
            "kv_bytes": .integer(footprint.keptKVByteCount),
            "overhead_bytes": .integer(need.overheadByteCount),
            "kv_bytes_per_token": .integer(footprint.kvBytesPerToken),
            "maximum_kv_bytes": .integer(footprint.maximumKVByteCount),
            "available_bytes": .integer(max(0, plan.room.byteCount)),
            "limit": .string(plan.room.limit == .budget ? "budget" : "machine"),
            "leaving_bytes": .integer(plan.leavingByteCount),
            "missing_bytes": .integer(plan.missingByteCount),
            "evict": .array(
                plan.victims.map { victim in
                    [
                        "model": .string(victim.model),
                        "bytes": .integer(victim.byteCount),
                        "idle_seconds": .double(victim.idle / .seconds(1)),
                        "reload_seconds": .double(victim.reload / .seconds(1)),
                    ]
                }
            ),
        ]
    }
}

extension ResidencyPlan.Outcome {
    /// The word that `torii plan` shows.
    fileprivate var name: String {
        switch self {
        case .fits: "fits"
        case .evict: "evict"
        case .wait: "wait"
        case .evictionNotAllowed: "eviction_not_allowed"
        case .neverFits: "never_fits"
        }
    }
}

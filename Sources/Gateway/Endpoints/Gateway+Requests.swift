import HTTP
import JSON
import ModelService
import OpenAIAPI
import Platform
import WorkerProtocol

// The requests under way, for operators.
extension Gateway {
    /// `GET /admin/v1/requests`.
    func adminRequests() -> Reply {
        let now = MonotonicInstant.now()
        let objects = requests.entries.map { Self.requestObject($0, now: now) }
        return .json(["requests": .array(objects)])
    }

    /// `DELETE /admin/v1/requests/{id}`.
    func cancelRequest(
        _ id: String,
        _ request: HTTPRequest,
        _ caller: Caller
    ) throws(APIError) -> Reply {
        guard requests.cancel(id: id) else { throw .unknownRequest(id) }
        audit(.requestCancelled, by: caller, request, ("object", id))
        return .json(["id": .string(id), "cancelled": true])
    }

    private static func requestObject(
        _ entry: RequestRegistry.Entry,
        now: MonotonicInstant
    ) -> JSONValue {
        let progress = entry.monitor.progress
        var loaded: JSONValue = nil
        var position: JSONValue = nil
        switch progress.state {
        case .loading(let fraction): loaded = .double(fraction)
        case .queued(let place): position = place.map { .integer($0) } ?? nil
        case .prefill, .decoding: break
        }
        let age = now.duration(since: entry.arrival)
        return [
            "id": .string(entry.id),
            "model": .string(entry.model),
            "key": .string(entry.account.key),
            "user": .string(entry.account.user),
            "class": .string("\(entry.account.priority)"),
            "state": .string(progress.state.phase),
            "progress": loaded,
            "position": position,
            "prompt_tokens": .integer(progress.promptTokenCount),
            "cached_tokens": .integer(progress.cachedTokenCount),
            "output_tokens": .integer(progress.outputTokenCount),
            "age_seconds": .double((age / .milliseconds(1)).rounded() / 1000),
        ]
    }
}

import HTTP
import JSON
import ModelService

/// A stream of what happens to models: an event each, and a comment when nothing has happened for a
/// while.
struct ModelEventsBody: StreamedBody {
    let events: AsyncStream<ModelEvent>
    /// The longest silence.
    let interval: Duration
    /// An event as JSON, by its number in this stream; nil if it is left out.
    let form: @Sendable (ModelEvent, Int) -> JSONValue?

    func send(
        to writer: borrowing HTTPBodyWriter,
        _ record: inout RequestRecord
    ) async -> Bool {
        let (elements, continuation) = AsyncStream.makeStream(of: ModelEvent?.self)
        let reader = Task { [events] in
            for await event in events { continuation.yield(event) }
            continuation.finish()
        }
        let ticker = Task { [interval] in
            while !Task.isCancelled {
                continuation.yield(nil)
                try? await Task.sleep(for: interval)
            }
        }
        defer {
            reader.cancel()
            ticker.cancel()
        }
        var number = 0
        do throws(HTTPDisconnected) {
            for await event in elements {
                guard let event else {
                    try await writer.write(ServerSentEvent.comment("watching"))
                    continue
                }
                guard let json = form(event, number + 1) else { continue }
                number += 1
                try await writer.write(ServerSentEvent.serialize(data: json.serialized()))
            }
            return !Task.isCancelled
        } catch {
            return false
        }
    }
}

extension ModelEvent {
    /// As `GET /admin/v1/events` tells it.
    ///
    /// The number counts within one stream: a client that misses one has fallen behind.
    func json(number: Int) -> JSONValue {
        var members: JSONObject = [
            "seq": .integer(number),
            "time": .integer(time),
            "model": model.map { .string($0) } ?? nil,
        ]
        switch kind {
        case .state(let state):
            members["type"] = "state"
            members["state"] = .string(state.name)
            if case .failed(let message, let retryAfter) = state {
                members["message"] = .string(message)
                members["retry_after_seconds"] = .integer(Int(retryAfter.components.seconds))
            }
        case .progress(let fraction):
            members["type"] = "progress"
            members["progress"] = .double(fraction)
        case .eviction(let reason):
            members["type"] = "eviction"
            members["reason"] = .string(reason)
        case .workerExit(let reason):
            members["type"] = "worker_exit"
            members["reason"] = .string(reason)
        case .reload(let summary):
            members["type"] = "reload"
            members["summary"] = .string(summary)
        }
        return .object(members)
    }
}

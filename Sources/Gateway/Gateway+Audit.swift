import APIKeys
import HTTP
import JSON
import Platform
import Telemetry

// What operators do, in the log.
extension Gateway {
    /// Writes down what a model is asked, where the operator's configuration wants that.
    func writePrompt(_ route: Route, _ caller: Caller, _ request: HTTPRequest) {
        guard let prompts, route.access == .infer else { return }
        prompts.write(
            [
                "request": .string(request.id),
                "key": caller.key.map { .string($0.name) } ?? .null,
                "route": .string(route.path),
            ],
            body: request.body
        )
    }

    /// Changes that somebody may have to answer for; the journal gives each an id of its own.
    enum Event: String, CustomStringConvertible, CaseIterable {
        case keyAdded = "key added"
        case keyRevoked = "key revoked"
        case reloadRequested = "reload requested"
        case requestCancelled = "request cancelled"
        case wrongKeys = "too many wrong keys"

        /// The value of the field `event`, one word.
        var description: String { "\(rawValue.split(separator: " ").joined(separator: "_"))" }
    }

    /// Notes who has changed what.
    func audit(
        _ event: Event,
        by caller: Caller,
        _ request: HTTPRequest,
        _ fields: Log.Field...
    ) {
        var log = log.with(
            ("event", event),
            ("actor", caller.actor),
            ("peer", request.peer.host.isEmpty ? "unix" : request.peer.host),
            ("request", request.id)
        )
        for field in fields { log = log.with(field) }
        log.info(event.rawValue)
    }
}

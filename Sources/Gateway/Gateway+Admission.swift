import APIKeys
import HTTP
import ModelService
import OpenAIAPI
import Platform
import Telemetry

// Who may do what, and how much of it.
extension Gateway {
    /// Who makes the request, by the keys as they are now; refuses what they may not do.
    func caller(
        of request: HTTPRequest,
        _ access: Route.Access
    ) throws(APIError) -> Caller {
        if access != .open { refreshKeys(now: request.arrival) }
        return try keyGuard.check(request, access, time: .now()) {
            log.warning(
                Event.wrongKeys.rawValue,
                ("event", Event.wrongKeys),
                ("peer", request.peer.host)
            )
        }
    }

    /// Looks whether the file of keys has changed, and ends the requests of keys that are gone.
    func refreshKeys(now: MonotonicInstant, atOnce: Bool = false) {
        switch keyRing.refresh(now: now, atOnce: atOnce) {
        case .unchanged: break
        case .changed(let gone):
            let valid = Set(keyRing.table.keys.map(\.name))
            let revoked = gone.map(\.name).filter { !valid.contains($0) }
            let count = revoked.reduce(0) { $0 + requests.cancel(key: $1) }
            log.info(
                "keys read",
                ("count", valid.count),
                ("gone", revoked.joined(separator: ",")),
                ("cancelled", count)
            )
        case .failed(let error):
            log.error("the file of keys cannot be used; the keys stay", ("problem", error))
        }
    }

    /// Holds a request against the limits of its key; it ends with its record.
    func begin(
        _ route: Route,
        _ caller: Caller,
        _ request: HTTPRequest,
        _ record: inout RequestRecord
    ) throws(APIError) {
        guard route.access == .infer, let terms = caller.key?.terms else { return }
        record.limits = terms
        do throws(KeyMeter.Refusal) {
            try meter.begin(terms, now: request.arrival)
            record.isMetered = true
        } catch {
            record.rejection = .key
            throw APIError(error, key: terms.name)
        }
    }

    /// Counts what a request has used, for its key's limits and for the book.
    func end(_ record: RequestRecord, now: MonotonicInstant) {
        let used = record.consumption
        if record.isMetered, let terms = record.limits {
            meter.end(terms, tokenCount: used.promptTokens + used.outputTokens, now: now)
        }
        let model = record.monitor?.progress.model ?? record.modelID
        guard let usage, let model, !model.isEmpty else { return }
        let entry = UsageBook.Entry(
            day: Timestamp.now().day,
            key: record.key ?? APIKey.anonymousName,
            model: model
        )
        usage.add(used, entry)
    }
}

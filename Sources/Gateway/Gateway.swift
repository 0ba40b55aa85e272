package import APIKeys
package import HTTP
package import ModelService
import OpenAIAPI
import Platform
import Synchronization
package import Telemetry

/// Answers HTTP requests: guards and routes them, turns them into generations and the events back
/// into answers.
///
/// One request is one task and straight-line code: guard, endpoint, answer, record.
package final class Gateway: HTTPRequestHandler {
    let service: ModelService
    let configuration: GatewayConfiguration
    let log: Log
    let requests: RequestRegistry
    /// The keys that are valid now.
    let keyRing: KeyRing
    /// What keys have used.
    let usage: UsageKeeper?
    /// Where requests are written to, prompts and all; nil, as a rule, for nowhere.
    let prompts: PromptLog?
    let meter = KeyMeter()
    let metrics = GatewayMetrics()
    /// Counts the connections of the server that this gateway answers for.
    package let connections = ConnectionCounter()
    let started = MonotonicInstant.now()
    let startTime = Timestamp.now()
    let keyGuard: KeyGuard
    private let guards: Mutex<BrowserGuard>
    private let reloadAction = Mutex<@Sendable () async -> ReloadOutcome> {
        .refused(problems: ["This server has no configuration that could be read again."])
    }
    private let isStopping = Mutex(false)

    /// What a request's head leads to.
    private enum Guarded {
        case route(Route, parameter: String?, Caller)
        case reply(Reply)
    }

    /// What an endpoint answers.
    enum Answer {
        case whole(Reply)
        /// An answer that is written while it is generated, with further headers.
        case streamed(any StreamedBody, headers: HTTPHeaders)
    }

    /// A gateway in front of `service`.
    ///
    /// - Parameters:
    ///   - service: The models.
    ///   - configuration: Keys of the operator's file, hosts, origins and bounds.
    ///   - keyRing: The stored keys, if there are any; it gets those of the configuration too.
    ///   - usage: Where usage is kept, if it is.
    ///   - prompts: Where requests are written to, prompts and all, if the operator wants that.
    ///   - log: Gets one entry per request, and one for each change by an operator.
    package init(
        service: ModelService,
        configuration: GatewayConfiguration,
        keyRing: KeyRing = KeyRing(),
        usage: UsageKeeper? = nil,
        prompts: PromptLog? = nil,
        log: Log
    ) {
        self.service = service
        self.configuration = configuration
        self.keyRing = keyRing
        self.usage = usage
        self.prompts = prompts
        self.log = log
        keyRing.use(plain: configuration.apiKeys)
        keyGuard = KeyGuard(ring: keyRing, adminSockets: configuration.adminSockets)
        requests = RequestRegistry(maximumByteCount: configuration.limits.maximumBodyByteCount)
        guards = Mutex(Self.browserGuard(configuration))
    }

    /// Whether requests must show a key now.
    package var asksForKeys: Bool { keyRing.table.asksForKeys }

    private var browserGuard: BrowserGuard { guards.withLock { $0 } }

    private static func browserGuard(_ configuration: GatewayConfiguration) -> BrowserGuard {
        BrowserGuard(
            allowedHosts: configuration.allowedHosts,
            allowedOrigins: configuration.allowedOrigins,
            machineName: BrowserGuard.machineName()
        )
    }

    /// Requires the keys, hosts and origins of another configuration from the next request on; all
    /// else stays as it was.
    package func reconfigure(_ configuration: GatewayConfiguration) {
        let changed = Self.browserGuard(configuration)
        guards.withLock { $0 = changed }
        keyRing.use(plain: configuration.apiKeys)
        refreshKeys(now: .now(), atOnce: true)
    }

    /// Sets what `POST /admin/v1/reload` does.
    package func onReload(_ action: @escaping @Sendable () async -> ReloadOutcome) {
        reloadAction.withLock { $0 = action }
    }

    /// Reads the configuration again.
    func performReload() async -> ReloadOutcome {
        let action = reloadAction.withLock { $0 }
        return await action()
    }

    /// From now on `/readyz` says that this server should get no new requests.
    ///
    /// They are still answered.
    package func beginStopping() {
        isStopping.withLock { $0 = true }
        service.endWatches()
    }

    var isReady: Bool { isStopping.withLock { !$0 } }

    package func admit(_ request: HTTPRequest) -> HTTPAdmission {
        var record = RequestRecord()
        let reply: Reply
        switch guarded(request) {
        case .reply(let refusal):
            reply = refusal
        case .route(let route, _, _) where route.endpoint == .liveness:
            // The I/O loop answers this itself, for it is what the answer tells of.
            record.routePath = route.path
            record.isProbe = true
            reply = Self.alive
        case .route:
            return .accept()
        }
        let headers = completed(reply.headers, request, record)
        self.record(record, request, status: reply.status)
        return .answer(status: reply.status, headers: headers, body: reply.body)
    }

    package func handle(_ request: HTTPRequest, respond: consuming HTTPResponder) async {
        var requestRecord = RequestRecord()
        var answer: Answer
        switch guarded(request) {
        case .reply(let reply):
            answer = .whole(reply)
        case .route(let route, let parameter, let caller):
            requestRecord.routePath = route.path
            requestRecord.isProbe = route.access == .open || route.endpoint == .metrics
            requestRecord.key = caller.key?.name
            do throws(APIError) {
                try begin(route, caller, request, &requestRecord)
                writePrompt(route, caller, request)
                answer = try await self.answer(route, parameter, request, caller, &requestRecord)
            } catch {
                requestRecord.errorCode = error.code
                answer = .whole(.error(error))
            }
        }
        switch consume answer {
        case .whole(let reply):
            let headers = completed(reply.headers, request, requestRecord)
            // nginx's number for a client that has gone; it stands in the log only. Looked at
            // before sending: an answered client may hang up, which cancels this task too.
            let status = Task.isCancelled ? 499 : reply.status
            respond.send(status: reply.status, headers: headers, body: reply.body)
            record(requestRecord, request, status: status)
        case .streamed(var body, let bodyHeaders):
            let headers = completed(bodyHeaders, request, requestRecord)
            let writer = respond.stream(status: 200, headers: headers)
            if await body.send(to: writer, &requestRecord) {
                writer.finish()
            } else if requestRecord.cancellation == nil {
                requestRecord.cancellation = .disconnect
            }
            record(requestRecord, request, status: 200)
        }
    }

    // MARK: Guard

    /// The decision from a request's head alone, in the order browsers, preflight, route, key.
    private func guarded(_ request: HTTPRequest) -> Guarded {
        do throws(APIError) {
            try browserGuard.check(request)
            if request.method == .options { return .reply(preflight(request)) }
            switch RouteTable.match(request.method, rawPath: request.rawPath) {
            case .found(let route, let parameter):
                return .route(route, parameter: parameter, try caller(of: request, route.access))
            case .wrongMethod(let allowed):
                var reply = Reply.error(.wrongMethod(request, allowed: allowed))
                reply.headers.add("allow", allowed.map(\.rawValue).joined(separator: ", "))
                return .reply(reply)
            case .notFound:
                throw .unknownPath(request)
            }
        } catch {
            return .reply(.error(error))
        }
    }

    /// The answer to OPTIONS; the headers for browsers are added to every answer.
    private func preflight(_ request: HTTPRequest) -> Reply {
        var headers: HTTPHeaders = ["allow": "GET, HEAD, POST, DELETE, OPTIONS"]
        if browserGuard.allowedOrigin(request) != nil {
            headers.add("access-control-allow-methods", "GET, HEAD, POST, DELETE, OPTIONS")
            // Clients send a dozen `x-stainless-*` headers; naming the asked ones allows just them.
            let asked = request.headers[first: "access-control-request-headers"]
            headers.add(
                "access-control-allow-headers",
                asked ?? "authorization, content-type, x-api-key"
            )
            headers.add("access-control-max-age", "600")
        }
        var reply = Reply(status: 204, headers: headers, contentType: "text/plain", body: [])
        reply.headers.remove("content-type")
        return reply
    }

    /// Adds what every answer carries.
    private func completed(
        _ headers: HTTPHeaders,
        _ request: HTTPRequest,
        _ record: RequestRecord
    ) -> HTTPHeaders {
        var headers = headers
        let total = MonotonicInstant.now().duration(since: request.arrival)
        headers.replace("server-timing", record.serverTiming(total: total))
        headers.replace("x-request-id", request.id)
        if let terms = record.limits {
            let left = meter.allowances(terms, now: .now())
            headers.add(requests: left.requests, tokens: left.tokens)
        }
        if let origin = browserGuard.allowedOrigin(request) {
            headers.replace("access-control-allow-origin", origin)
            headers.replace(
                "access-control-expose-headers",
                ([
                    "x-request-id", "x-ignored-params", "server-timing", "retry-after",
                    "x-should-retry",
                ] + HTTPHeaders.admissionNames).joined(separator: ", ")
            )
        }
        if request.headers.contains("origin") { headers.replace("vary", "Origin") }
        return headers
    }

    // MARK: Record

    /// Counts a request, and writes the one line that the log has about it.
    private func record(_ record: RequestRecord, _ request: HTTPRequest, status: Int) {
        let now = MonotonicInstant.now()
        metrics.count(record, status: status, arrival: request.arrival, now: now)
        end(record, now: now)
        // Probes come every few seconds for ever.
        let level: LogLevel = record.isProbe ? .debug : .info
        guard level >= log.level else { return }
        let duration = now.duration(since: request.arrival)
        var log = log.with(
            ("request", request.id),
            ("method", request.method.rawValue),
            ("route", record.routePath),
            ("status", status),
            ("ms", RequestRecord.milliseconds(duration))
        )
        if let key = record.key { log = log.with(("key", key)) }
        if let model = record.model {
            log = log.with(
                ("model", model),
                ("prompt_tokens", record.promptTokenCount),
                ("output_tokens", record.outputTokenCount)
            )
        }
        if let code = record.errorCode { log = log.with(("error", code)) }
        if record.isProbe { log.debug("request") } else { log.info("request") }
    }
}

package import HTTP

/// All routes, which openapi.yaml describes, and the search in them.
///
/// How a path is read:
/// 1. Empty segments are dropped, so `//v1/models/` is `/v1/models`.
/// 2. OpenAI's paths work without their `/v1`, for clients whose base URL lacks it.
/// 3. Segments are percent-decoded after the split, so `%2F` in a model id separates nothing.
package enum RouteTable {
    /// Every operation, in the order of openapi.yaml.
    package static let all: [Route] = [
        Route(.post, "/v1/chat/completions", .chatCompletions, .infer),
        Route(.post, "/v1/completions", .completions, .infer),
        Route(.post, "/v1/chat/completions/input_tokens", .inputTokens, .infer),
        Route(.post, "/v1/embeddings", .embeddings, .infer),
        Route(.post, "/v1/rerank", .rerank, .infer),
        Route(.get, "/v1/models", .models, .key),
        Route(.get, "/v1/models/{id}", .model, .key),
        Route(.post, "/tokenize", .tokenize, .infer),
        Route(.post, "/detokenize", .detokenize, .infer),
        Route(.post, "/apply-template", .applyTemplate, .infer),
        Route(.get, "/", .root, .open),
        Route(.get, "/livez", .liveness, .open),
        Route(.get, "/readyz", .readiness, .open),
        Route(.get, "/health", .health, .open),
        Route(.get, "/version", .version, .open),
        Route(.get, "/openapi.yaml", .openAPI, .open),
        Route(.get, "/metrics", .metrics, .read),
        Route(.get, "/admin/v1/status", .adminStatus, .read),
        Route(.get, "/admin/v1/models", .adminModels, .read),
        Route(.get, "/admin/v1/models/{id}/adapters", .listAdapters, .read),
        Route(.post, "/admin/v1/models/{id}/adapters", .addAdapter, .admin),
        Route(.delete, "/admin/v1/models/{id}/adapters/{name}", .removeAdapter, .admin),
        Route(.get, "/admin/v1/models/{id}", .adminModel, .read),
        Route(.post, "/admin/v1/models/{id}/load", .loadModel, .admin),
        Route(.post, "/admin/v1/models/{id}/unload", .unloadModel, .admin),
        Route(.post, "/admin/v1/models/{id}/pin", .pinModel, .admin),
        Route(.post, "/admin/v1/models/{id}/unpin", .unpinModel, .admin),
        Route(.post, "/admin/v1/plan", .planLoad, .read),
        Route(.get, "/admin/v1/events", .adminEvents, .read),
        Route(.post, "/admin/v1/reload", .reload, .admin),
        Route(.get, "/admin/v1/requests", .adminRequests, .read),
        Route(.delete, "/admin/v1/requests/{id}", .cancelRequest, .admin),
        Route(.get, "/admin/v1/keys", .listKeys, .keys),
        Route(.post, "/admin/v1/keys", .addKey, .keys),
        Route(.delete, "/admin/v1/keys/{id}", .revokeKey, .keys),
        Route(.get, "/admin/v1/usage", .usage, .read),
        Route(.post, "/models/load", .routerLoad, .admin),
        Route(.post, "/models/unload", .routerUnload, .admin),
        Route(.get, "/models/sse", .routerEvents, .read),
        Route(.get, "/running", .swapRunning, .read),
        Route(.get, "/unload", .swapUnloadAll, .admin),
        Route(.post, "/api/models/unload", .swapUnloadModels, .admin),
        Route(.post, "/api/models/unload/{id}", .swapUnload, .admin),
        Route(.get, "/api/v1/models", .studioModels, .read),
        Route(.post, "/api/v1/models/load", .studioLoad, .admin),
        Route(.post, "/api/v1/models/unload", .studioUnload, .admin),
    ]

    /// What a request's method and path lead to.
    package enum Match: Sendable, Hashable {
        /// The route, and the decoded value of its path parameter; of two with a colon between them, as
        /// adapters' ids are written.
        case found(Route, parameter: String?)
        /// The path exists with these methods only.
        case wrongMethod(allowed: [HTTPMethod])
        case notFound
    }

    private struct Pattern: Sendable {
        let route: Route
        /// What stands before the parameter, and behind it.
        let head: [String]
        let tail: [String]
        let hasParameter: Bool

        init(_ route: Route) {
            self.route = route
            let segments = RouteTable.segments(route.path)
            let parameter = segments.firstIndex { $0.hasPrefix("{") }
            hasParameter = parameter != nil
            head = Array(segments[..<(parameter ?? segments.count)])
            tail = parameter.map { Array(segments[($0 + 1)...]) } ?? []
        }

        /// The value of the parameter, empty if there is none; nil if the path is another one.
        func parameter(in segments: [String]) -> String? {
            guard segments.starts(with: head), hasParameter ? true : segments.count == head.count
            else { return nil }
            let rest = segments[head.count...]
            let behind = rest.suffix(tail.count)
            guard behind.count == tail.count,
                zip(behind, tail).allSatisfy({ $0 == $1 || $1.hasPrefix("{") })
            else { return nil }
            let value = rest.dropLast(tail.count)
            guard hasParameter == !value.isEmpty else { return nil }
            let isSecond = tail.last?.hasPrefix("{") ?? false
            return value.joined(separator: "/") + (isSecond ? ":" + (behind.last ?? "") : "")
        }
    }

    private static let patterns = all.map { Pattern($0) }

    /// The routes without a parameter by their path, which most requests have as it is.
    private static let plain = Dictionary(
        grouping: all.filter { !$0.path.contains("{") },
        by: \.path
    )

    /// Finds the route of a request; `rawPath` is the path as it came, without the query.
    package static func match(_ method: HTTPMethod, rawPath: String) -> Match {
        if let route = plain[rawPath]?.first(where: { $0.method == method }) {
            return .found(route, parameter: nil)
        }
        let segments = segments(rawPath)
        let found = match(method, segments)
        guard case .notFound = found, segments.first != "v1", !segments.isEmpty else {
            return found
        }
        return match(method, ["v1"] + segments)
    }

    private static func match(_ method: HTTPMethod, _ segments: [String]) -> Match {
        var allowed: [HTTPMethod] = []
        for pattern in patterns {
            guard let value = pattern.parameter(in: segments) else { continue }
            let methods: [HTTPMethod] =
                pattern.route.method == .get ? [.get, .head] : [pattern.route.method]
            guard methods.contains(method) else {
                allowed += methods
                continue
            }
            return .found(pattern.route, parameter: pattern.hasParameter ? value : nil)
        }
        return allowed.isEmpty ? .notFound : .wrongMethod(allowed: allowed + [.options])
    }

    private static func segments(_ path: String) -> [String] {
        path.split(separator: "/").map { PercentEncoding.undone($0) }
    }
}

import HTTP
import OpenAIAPI

// The refusals that have nothing to do with a request's content.
extension APIError {
    static func unknownPath(_ request: HTTPRequest) -> APIError {
        APIError(
            status: 404,
            kind: .invalidRequest,
            code: "unknown_url",
            message:
                "Unknown request URL: \(request.method.rawValue) \(request.rawPath.prefix(256)). "
                + "GET /openapi.yaml describes every path."
        )
    }

    static func wrongMethod(_ request: HTTPRequest, allowed: [HTTPMethod]) -> APIError {
        APIError(
            status: 405,
            kind: .invalidRequest,
            code: "method_not_allowed",
            message: "\(request.method.rawValue) is not allowed here; use "
                + allowed.map(\.rawValue).joined(separator: ", ") + "."
        )
    }

    /// The text is fixed: a page that is refused learns nothing about this machine.
    static let forbiddenOrigin = APIError(
        status: 403,
        kind: .permission,
        code: "forbidden_origin",
        message: "This web page may not call this server. Add its origin to allowed_origins in the "
            + "configuration to allow it."
    )

    static let forbiddenHost = APIError(
        status: 403,
        kind: .permission,
        code: "forbidden_host",
        message:
            "The Host header names no address of this server. Add the name to allowed_hosts in "
            + "the configuration to allow it."
    )

    /// What the client of a request hears that an operator has ended.
    static let requestCancelled = APIError(
        status: 503,
        kind: .server,
        code: "request_cancelled",
        message: "An operator of this server has cancelled the request.",
        shouldRetry: false
    )

    static let tooManyBytes = APIError(
        status: 429,
        kind: .rateLimit,
        code: "rate_limit_exceeded",
        message: "The requests under way take all the memory that there is for them; send this one "
            + "again later.",
        retryAfter: .seconds(5)
    )

    static let tooManyWatchers = APIError(
        status: 429,
        kind: .rateLimit,
        code: "too_many_watchers",
        message: "Too many clients watch the events already; close one of them.",
        retryAfter: .seconds(5)
    )

    static func unknownRequest(_ id: String) -> APIError {
        APIError(
            status: 404,
            kind: .invalidRequest,
            code: "request_not_found",
            message: "No request `\(id.prefix(256))` is under way.",
            parameter: "id"
        )
    }

    static let unsupportedMediaType = APIError(
        status: 415,
        kind: .invalidRequest,
        code: "unsupported_media_type",
        message: "The request body must be JSON with 'Content-Type: application/json'."
    )

    static let encodedBody = APIError(
        status: 415,
        kind: .invalidRequest,
        code: "unsupported_content_encoding",
        message: "Compressed request bodies are not supported; send the JSON as it is."
    )
}

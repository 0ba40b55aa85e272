package import JSON
package import WorkerProtocol

/// An error as a client of OpenAI's API sees it: a status and the fields of the error envelope.
///
/// The envelope always holds all four members and `code` is a string or null (OpenAI's `Error`
/// schema). The message says everything, because clients print nothing else.
package struct APIError: Error, Sendable, Hashable {
    /// The values of `type` in use.
    package enum Kind: String, Sendable, Hashable {
        case invalidRequest = "invalid_request_error"
        case permission = "permission_error"
        case rateLimit = "rate_limit_error"
        case server = "server_error"
    }

    /// The HTTP status, 400...599.
    package var status: Int
    /// The envelope's `type`.
    package var kind: Kind
    /// The envelope's `code`, a fixed word.
    package var code: String?
    /// What is wrong and the way out, in one or two sentences.
    package var message: String
    /// The envelope's `param`: the path of the member that is to blame, such as `messages[0].role`.
    package var parameter: String?
    /// When to try again; rounded up to whole seconds and kept within 1...60 for `Retry-After`,
    /// because the openai clients ignore longer times or retry at once.
    package var retryAfter: Duration?
    /// Whether the same request may succeed later, for `x-should-retry`; nil leaves the choice to
    /// the client's own rules.
    package var shouldRetry: Bool?
    /// How full the queue is for the key, for the `x-ratelimit-*` headers; nil when it plays no
    /// part.
    package var admission: AdmissionState?
    /// Further members of the envelope, such as llama-server's `n_ctx`.
    package var extras: JSONObject

    /// Makes an error; what is left out is absent or null.
    package init(
        status: Int,
        kind: Kind,
        code: String? = nil,
        message: String,
        parameter: String? = nil,
        retryAfter: Duration? = nil,
        shouldRetry: Bool? = nil,
        admission: AdmissionState? = nil,
        extras: JSONObject = [:]
    ) {
        self.status = status
        self.kind = kind
        self.code = code
        self.message = message
        self.parameter = parameter
        self.retryAfter = retryAfter
        self.shouldRetry = shouldRetry
        self.admission = admission
        self.extras = extras
    }

    /// The envelope: `{"error": {"message", "type", "param", "code"}}`.
    package var json: JSONValue {
        var members: JSONObject = [
            "message": .string(message),
            "type": .string(kind.rawValue),
            "param": parameter.map { .string($0) } ?? .null,
            "code": code.map { .string($0) } ?? .null,
        ]
        for (key, value) in extras.members { members[key] = value }
        return ["error": .object(members)]
    }

    /// The whole seconds of the `Retry-After` header, 1...60; nil when there is none.
    package var retryAfterSeconds: Int? {
        guard let retryAfter else { return nil }
        let (seconds, rest) = retryAfter.components
        return Int(min(max(seconds + (rest > 0 ? 1 : 0), 1), 60))
    }
}

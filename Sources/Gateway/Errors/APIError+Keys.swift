import APIKeys
import OpenAIAPI

// The refusals that have to do with who asks.
extension APIError {
    static let invalidKey = APIError(
        status: 401,
        kind: .invalidRequest,
        code: "invalid_api_key",
        message: "Incorrect API key provided. Send a valid one as 'Authorization: Bearer KEY'."
    )

    static let missingKey = APIError(
        status: 401,
        kind: .invalidRequest,
        code: "invalid_api_key",
        message: "You didn't provide an API key. Send one as 'Authorization: Bearer KEY'."
    )

    static let expiredKey = APIError(
        status: 401,
        kind: .invalidRequest,
        code: "expired_api_key",
        message: "This API key has expired. Ask whoever runs this server for a new one."
    )

    static func missingScope(_ scope: KeyScope) -> APIError {
        APIError(
            status: 403,
            kind: .permission,
            code: "missing_scope",
            message: "This API key lacks the scope '\(scope.rawValue)', which the request needs."
        )
    }

    static let adminNeedsKey = APIError(
        status: 403,
        kind: .permission,
        code: "admin_needs_key",
        message:
            "Without API keys this server can be changed from its own machine only. Make a key "
            + "with the scope 'admin' there: torii keys add NAME --scope admin"
    )

    /// Whoever makes the first key locks all others out.
    static let keysNeedAdmin = APIError(
        status: 403,
        kind: .permission,
        code: "keys_need_admin",
        message: "While there is no API key, keys are managed over the admin socket alone: run "
            + "'torii keys' as the user that runs this server, or as root."
    )

    static func tooManyWrongKeys(_ wait: Duration) -> APIError {
        APIError(
            status: 429,
            kind: .rateLimit,
            code: "too_many_wrong_keys",
            message: "Too many wrong API keys came from this address; wait before trying again.",
            retryAfter: wait,
            shouldRetry: false
        )
    }

    /// A key has used up what it may in a minute, or at the same time.
    init(_ refusal: KeyMeter.Refusal, key: String) {
        let what: String
        switch refusal {
        case .requests(let limit, _): what = "requests per min (RPM): Limit \(limit)"
        case .tokens(let limit, _): what = "tokens per min (TPM): Limit \(limit)"
        case .concurrency(let limit): what = "concurrent requests: Limit \(limit)"
        }
        let (seconds, rest) = refusal.wait.components
        self.init(
            status: 429,
            kind: .rateLimit,
            code: "rate_limit_exceeded",
            message: "Rate limit reached for the key `\(key)` on \(what). Please try again in "
                + "\(seconds + (rest > 0 ? 1 : 0))s.",
            retryAfter: refusal.wait
        )
    }

    /// What an operator is told when keys cannot be changed.
    init(_ error: KeyStoreError) {
        switch error {
        case .nameTaken:
            self.init(
                status: 409,
                kind: .invalidRequest,
                code: "key_exists",
                message: Self.sentence(error),
                parameter: "name"
            )
        case .unknownKey:
            self.init(
                status: 404,
                kind: .invalidRequest,
                code: "key_not_found",
                message: Self.sentence(error),
                parameter: "id"
            )
        case .tooManyKeys:
            self = .invalidRequest(Self.sentence(error), code: "too_many_keys")
        case .system, .malformed, .otherPepper, .readableByAll:
            self.init(
                status: 500,
                kind: .server,
                code: "key_store_failed",
                message: "The keys could not be changed: \(error).",
                shouldRetry: false
            )
        }
    }

    private static func sentence(_ error: KeyStoreError) -> String {
        let text = "\(error)"
        return text.prefix(1).uppercased() + text.dropFirst() + "."
    }

    /// Keys of the operator's own file are not changed behind their back.
    static func keyInFile(_ name: String) -> APIError {
        APIError(
            status: 409,
            kind: .invalidRequest,
            code: "key_in_file",
            message:
                "The key `\(name)` stands in the file that api_key_file names: delete its line "
                + "there, then run 'torii reload'.",
            parameter: "id"
        )
    }
}

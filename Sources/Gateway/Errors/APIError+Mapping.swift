import JSON
import ModelService
import OpenAIAPI
import WorkerProtocol

extension APIError {
    /// What a client is told when there is no lease.
    init(_ error: ModelServiceError) {
        switch error {
        case .unknownModel(let name):
            self = .unknownModel(name, hint: "")
        case .ambiguousModel(let name, let candidates):
            let shown = candidates.prefix(8).joined(separator: "`, `")
            self = .unknownModel(name, hint: " Did you mean one of `\(shown)`?")
        case .adapter(let failure):
            self.init(failure)
        case .loadFailed(let model, let message, let retryAfter):
            self.init(
                status: 503,
                kind: .server,
                code: "model_load_failed",
                message: "The model `\(model)` cannot be loaded: \(message).",
                retryAfter: retryAfter,
                // Most load failures last; a crash is worth one more try.
                shouldRetry: retryAfter <= .seconds(1)
            )
        case .insufficientMemory(let model, let plan):
            self = .insufficientMemory(model, plan)
        case .otherOptions(let model, let contextLength):
            self = .otherOptions(model, contextLength)
        case .unloaded(let model):
            self.init(
                status: 503,
                kind: .server,
                code: "model_unloaded",
                message: "An operator has unloaded the model `\(model)`; the next request loads it "
                    + "again.",
                retryAfter: .seconds(1)
            )
        case .memoryPressure:
            self = .memoryPressure
        case .overloaded(let model, let retryAfter):
            self.init(
                status: 429,
                kind: .rateLimit,
                code: "rate_limit_exceeded",
                message: "Too many requests wait for the model `\(model)` to load.",
                retryAfter: retryAfter
            )
        case .shuttingDown:
            self.init(
                status: 503,
                kind: .server,
                code: "shutting_down",
                message: "The server is shutting down.",
                retryAfter: .seconds(5)
            )
        case .cancelled:
            self.init(
                status: 503,
                kind: .server,
                code: "cancelled",
                message: "The request was cancelled."
            )
        }
    }

    /// What a client is told when a generation failed.
    ///
    /// - Parameters:
    ///   - failure: What the worker, or its supervisor, said.
    ///   - parameter: The member that holds the prompt: `messages` or `prompt`.
    init(_ failure: GenerationFailure, parameter: String) {
        switch failure.kind {
        case .contextLengthExceeded(let promptTokenCount, let contextLength):
            // Agents compact their history when they find exactly these words and this code.
            self.init(
                status: 400,
                kind: .invalidRequest,
                code: "context_length_exceeded",
                message: "This model's maximum context length is \(contextLength) tokens. However, "
                    + "your \(parameter) resulted in \(promptTokenCount) tokens. Please reduce the "
                    + "length of the \(parameter). (context_length_exceeded)",
                parameter: parameter,
                extras: [
                    "n_prompt_tokens": .integer(promptTokenCount),
                    "n_ctx": .integer(contextLength),
                ]
            )
        case .textTooLong(let place, let tokenCount, let contextLength):
            self.init(
                status: 400,
                kind: .invalidRequest,
                code: "context_length_exceeded",
                message: failure.message,
                parameter: place,
                extras: [
                    "n_prompt_tokens": .integer(tokenCount), "n_ctx": .integer(contextLength),
                ]
            )
        case .invalidRequest(let named):
            self = .invalidRequest(failure.message, parameter: named)
        case .templateFailed:
            self = .invalidRequest(
                failure.message,
                parameter: parameter,
                code: "chat_template_failed"
            )
        case .overloaded(let state):
            self.init(
                status: 429,
                kind: .rateLimit,
                code: "rate_limit_exceeded",
                message: failure.message,
                retryAfter: state.drainDuration,
                admission: state
            )
        case .queueTimeout(let state):
            self.init(
                status: 503,
                kind: .server,
                code: "queue_timeout",
                message: failure.message,
                retryAfter: state.drainDuration,
                admission: state
            )
        case .unknownAdapter:
            self = .modelNotFound(failure.message)
        case .unusableAdapter:
            self = .invalidRequest(failure.message, parameter: "model", code: "invalid_adapter")
        case .insufficientMemory:
            self = .server(failure.message, status: 507, code: "insufficient_memory")
        case .nonFiniteLogits:
            self = .server(failure.message, code: "non_finite_logits", shouldRetry: false)
        case .workerDied:
            self = .server(failure.message, code: "model_worker_died", shouldRetry: true)
        case .internalFailure:
            self = .server(failure.message, code: "internal_error", shouldRetry: false)
        }
    }

    private static func otherOptions(_ model: String, _ contextLength: Int) -> APIError {
        APIError(
            status: 409,
            kind: .invalidRequest,
            code: "model_has_other_options",
            message:
                "The model `\(model)` is loaded with a context of \(contextLength) tokens. Unload "
                + "it first to load it with another one.",
            parameter: "context"
        )
    }

    private static let memoryPressure = APIError(
        status: 503,
        kind: .server,
        code: "memory_pressure",
        message:
            "This machine has run out of memory for further requests; send this one again later.",
        retryAfter: .seconds(5)
    )

    /// 507, which clients must not try again by themselves: nothing changes by waiting.
    private static func insufficientMemory(_ model: String, _ plan: ResidencyPlan) -> APIError {
        let limit =
            plan.room.limit == .budget
            ? "the memory budget of this server" : "the memory that this machine has left"
        let reason =
            plan.outcome == .evictionNotAllowed
            ? "\(plan.victims.map { "`\($0.model)`" }.joined(separator: ", ")) would have to be "
                + "unloaded for it, which was not allowed."
            : "\(plan.missingByteCount) bytes are missing even if every other model that is not "
                + "pinned were unloaded. Unpin one, use a smaller context or model, or raise the "
                + "memory budget."
        return APIError(
            status: 507,
            kind: .server,
            code: "insufficient_memory",
            message:
                "The model `\(model)` needs \(plan.neededByteCount) bytes, but \(limit) leaves "
                + "\(max(0, plan.room.byteCount)): \(reason)",
            shouldRetry: false,
            extras: [
                "needed_bytes": .integer(plan.neededByteCount),
                "available_bytes": .integer(max(0, plan.room.byteCount)),
                "missing_bytes": .integer(plan.missingByteCount),
            ]
        )
    }

    private static func server(
        _ message: String,
        status: Int = 500,
        code: String,
        shouldRetry: Bool = false
    ) -> APIError {
        APIError(
            status: status,
            kind: .server,
            code: code,
            message: message,
            shouldRetry: shouldRetry
        )
    }

    /// OpenAI's own words, which clients look for.
    static func unknownModel(_ name: String, hint: String) -> APIError {
        .modelNotFound(
            "The model `\(name.prefix(256))` does not exist or you do not have access to it." + hint
        )
    }

    private static func modelNotFound(_ message: String) -> APIError {
        APIError(
            status: 404,
            kind: .invalidRequest,
            code: "model_not_found",
            message: message,
            parameter: "model"
        )
    }
}

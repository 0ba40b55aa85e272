import HTTP
import JSON
import ModelService
import OpenAIAPI

// The configuration, read again.
extension Gateway {
    /// `POST /admin/v1/reload`: 200 with what changed, or 400 with what is wrong; then nothing has.
    func reloadConfiguration(
        _ request: HTTPRequest,
        _ caller: Caller
    ) async throws(APIError) -> Reply {
        guard isReady else { throw APIError(ModelServiceError.shuttingDown) }
        audit(.reloadRequested, by: caller, request)
        switch await performReload() {
        case .refused(let problems):
            throw .invalidRequest(
                "The configuration cannot be used, and the old one stays: "
                    + problems.joined(separator: "; "),
                parameter: nil,
                code: "invalid_configuration"
            )
        case .applied(let applied):
            func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
            return .json([
                "changed": list(applied.changed),
                "restart_needed": list(applied.needingRestart),
                "unloading": list(applied.leaving),
                "models": .integer(applied.modelCount),
            ])
        }
    }
}

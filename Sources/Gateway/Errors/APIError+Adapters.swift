import ModelService
import OpenAIAPI

extension APIError {
    /// What a client is told about an adapter.
    init(_ failure: AdapterFailure) {
        switch failure {
        case .unknown(let model, let name, let adapters):
            let shown = adapters.prefix(16).joined(separator: "`, `")
            let others = adapters.isEmpty ? "" : " It has `\(shown)`."
            self = .unknownModel(
                "\(model):\(name)",
                hint: " The model `\(model)` has no adapter `\(name.prefix(64))`." + others
            )
        case .unusable(let message):
            self = .invalidRequest(message, parameter: "model", code: "invalid_adapter")
        case .notAttached(let failure):
            self.init(failure, parameter: "model")
        case .exists(let id, let path):
            self = .conflict(
                "There is an adapter `\(id)` already, from \(path); remove it first, or add this one "
                    + "under another name.",
                code: "adapter_exists"
            )
        case .isConfigured(let id):
            self = .conflict(
                "The adapter `\(id)` is one of the configuration's; take it out of the file and "
                    + "reload.",
                code: "adapter_is_configured"
            )
        case .isModel(let name):
            self = .invalidRequest(
                "`\(name.prefix(256))` is a model, not an adapter.",
                parameter: "name"
            )
        case .tooMany(let model, let maximumCount):
            self = .conflict(
                "The model `\(model)` has \(maximumCount) adapters, as many as it may have; remove "
                    + "one first.",
                code: "too_many_adapters"
            )
        }
    }

    private static func conflict(_ message: String, code: String) -> APIError {
        APIError(
            status: 409,
            kind: .invalidRequest,
            code: code,
            message: message,
            parameter: "name"
        )
    }
}

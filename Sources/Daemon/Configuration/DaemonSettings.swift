/// What one source (the file, the variables or the flags) says; nil means not said.
///
/// Sources are laid over each other by `applying(_:)` and become a `DaemonConfiguration`.
package struct DaemonSettings: Sendable, Hashable, Decodable {
    /// Addresses to listen on.
    package var listen: [String]?
    /// Whether other machines may call without a key.
    package var allowAnonymous: Bool?
    /// A file with one API key per line.
    package var apiKeyFile: String?
    /// The file of the keys that are kept hashed.
    package var keyStore: String?
    /// The unix socket of operators, or `none`.
    package var adminSocket: String?
    /// Names a `Host` header may carry besides the usual ones.
    package var allowedHosts: [String]?
    /// Browser origins that may call.
    package var allowedOrigins: [String]?
    /// Seconds that running requests have at the end.
    package var drainTimeout: Int?
    /// The lowest level of log entries that are written.
    package var logLevel: String?
    /// The file that requests are written to, prompts and all.
    package var logPrompts: String?
    /// Whether and how strictly workers lock themselves in.
    package var workerSandbox: String?
    /// Seconds that a model's process may be silent.
    package var workerTimeout: Int?
    /// Where models are and how they run.
    package var models: ModelSettings

    enum CodingKeys: String, CodingKey, CaseIterable {
        case listen, models
        case allowAnonymous = "allow_anonymous"
        case apiKeyFile = "api_key_file"
        case keyStore = "key_store"
        case adminSocket = "admin_socket"
        case allowedHosts = "allowed_hosts"
        case allowedOrigins = "allowed_origins"
        case drainTimeout = "drain_timeout"
        case logLevel = "log_level"
        case logPrompts = "log_prompts"
        case workerSandbox = "worker_sandbox"
        case workerTimeout = "worker_timeout"
        // Editors write it to find the schema; the daemon has no use for it.
        case schema = "$schema"
    }

    /// Settings that say nothing.
    package init() {
        models = ModelSettings()
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
        listen = try container.decodeIfPresent([String].self, forKey: .listen)
        allowAnonymous = try container.decodeIfPresent(Bool.self, forKey: .allowAnonymous)
        apiKeyFile = try container.decodeIfPresent(String.self, forKey: .apiKeyFile)
        keyStore = try container.decodeIfPresent(String.self, forKey: .keyStore)
        adminSocket = try container.decodeIfPresent(String.self, forKey: .adminSocket)
        allowedHosts = try container.decodeIfPresent([String].self, forKey: .allowedHosts)
        allowedOrigins = try container.decodeIfPresent([String].self, forKey: .allowedOrigins)
        drainTimeout = try container.integer(
            forKey: .drainTimeout,
            in: SettingLimits.drainTimeout
        )
        logLevel = try container.decodeIfPresent(String.self, forKey: .logLevel)
        logPrompts = try container.decodeIfPresent(String.self, forKey: .logPrompts)
        workerSandbox = try container.decodeIfPresent(String.self, forKey: .workerSandbox)
        workerTimeout = try container.integer(
            forKey: .workerTimeout,
            in: SettingLimits.workerTimeout
        )
        models =
            try container.decodeIfPresent(ModelSettings.self, forKey: .models)
            ?? ModelSettings()
    }

    /// These settings, with what `winner` says instead wherever it says something.
    package func applying(_ winner: DaemonSettings) -> DaemonSettings {
        var result = self
        result.listen = winner.listen ?? listen
        result.allowAnonymous = winner.allowAnonymous ?? allowAnonymous
        result.apiKeyFile = winner.apiKeyFile ?? apiKeyFile
        result.keyStore = winner.keyStore ?? keyStore
        result.adminSocket = winner.adminSocket ?? adminSocket
        result.allowedHosts = winner.allowedHosts ?? allowedHosts
        result.allowedOrigins = winner.allowedOrigins ?? allowedOrigins
        result.drainTimeout = winner.drainTimeout ?? drainTimeout
        result.logLevel = winner.logLevel ?? logLevel
        result.logPrompts = winner.logPrompts ?? logPrompts
        result.workerSandbox = winner.workerSandbox ?? workerSandbox
        result.workerTimeout = winner.workerTimeout ?? workerTimeout
        result.models = models.applying(winner.models)
        return result
    }
}

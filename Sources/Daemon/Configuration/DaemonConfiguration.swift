package import APIKeys
package import HTTP
package import ModelService
package import Platform
package import Telemetry

/// Everything the daemon needs to know, checked.
package struct DaemonConfiguration: Sendable {
    /// Where to listen; systemd's sockets come on top.
    package var listen: [ListenAddress]
    /// The unix socket of the standard place, tried when nobody named an address; a failure there
    /// is only a warning.
    package var standardSocket: String?
    /// The unix socket by which operators do everything; nil for none.
    package var adminSocket: String?
    /// Whether somebody has named it: then a failure there is no mere warning.
    package var requiresAdminSocket: Bool
    /// Whether requests without a key are welcome from other machines.
    package var allowAnonymous: Bool
    /// The keys of the operator's own file.
    package var apiKeys: [APIKey]
    /// The keys that `torii keys` makes.
    package var keyStore: KeyStore
    /// Whether the store exists, with or without keys.
    package var hasKeyStore: Bool
    /// Where usage is kept.
    package var usagePath: String
    /// Names a `Host` header may carry besides the usual ones.
    package var allowedHosts: [String]
    /// Browser origins that may call.
    package var allowedOrigins: [String]
    /// How long running requests may take after SIGTERM: 30 s.
    package var drainTimeout: Duration
    /// The lowest level of log entries that are written: info.
    package var logLevel: LogLevel
    /// The file that requests are written to, prompts and all; nil for none.
    ///
    /// Only the configuration file can name it, no flag, variable or request.
    package var logPrompts: String?
    /// Whether and how strictly workers lock themselves in: as far as the kernel can.
    package var workerSandbox: Sandbox.Policy
    /// How long a model's process may be silent before it is ended, six times as long while it loads:
    /// 10 s.
    package var workerTimeout: Duration
    /// Directories that are scanned for models.
    package var modelDirectories: [String]
    /// What all models together may take; nil leaves it to the model service.
    package var memory: MemoryBudget?
    /// Where packed weights are kept.
    package var weightCacheDirectory: String
    /// How many bytes of them are kept at most, 16 GiB unless somebody says otherwise; 0: none.
    package var weightCacheByteCount: Int
    /// When models go for others' sake.
    package var residency: ResidencyPolicy
    /// Names of models that are loaded at the start, besides those whose settings say so.
    package var preload: [String]
    /// Settings of every model without own ones.
    package var modelDefaults: ModelConfigurationEntry
    /// Settings of single models.
    package var models: [String: ModelConfigurationEntry]
    /// The file it was read from, or nil when there was none.
    package var filePath: String?

    /// Whether requests must show a key.
    package var asksForKeys: Bool { !apiKeys.isEmpty || hasKeyStore }

    /// The address when nobody names one.
    package static let defaultAddress = "127.0.0.1:11435"
}

/// All problems of one configuration.
package struct ConfigurationProblems: Error, Sendable, Equatable, CustomStringConvertible {
    /// At least one.
    package let problems: [ConfigurationProblem]

    /// One line per problem.
    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

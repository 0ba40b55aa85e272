/// Every setting that can be given as a flag of `torii serve` or as a variable.
///
/// One table for the flags, the variables and their help; the file has the same settings under
/// `key`, and per-model entries besides.
package enum DaemonSetting: CaseIterable, Sendable {
    case listen, models, context, threads, parallel, kvBytes, kvType, speculation
    case queueRequests, queueRequestsPerKey, queueTokens, queueTokensPerKey, queueTimeout
    case memory, weightCache, keepAlive, swapMaxWait, minResidence, preload
    case apiKeyFile, keyStore, adminSocket, allowAnonymous, allowedHosts, allowedOrigins
    case drainTimeout, logLevel
    case workerSandbox, workerTimeout

    /// Where the file has it.
    package var key: String {
        switch self {
        case .listen: "listen"
        case .models: "models.directories"
        case .context: "models.defaults.context"
        case .threads: "models.defaults.threads"
        case .parallel: "models.defaults.parallel"
        case .kvBytes: "models.defaults.kv_bytes"
        case .kvType: "models.defaults.kv_type"
        case .speculation: "models.defaults.speculation"
        case .queueRequests: "models.defaults.queue_requests"
        case .queueRequestsPerKey: "models.defaults.queue_requests_per_key"
        case .queueTokens: "models.defaults.queue_tokens"
        case .queueTokensPerKey: "models.defaults.queue_tokens_per_key"
        case .queueTimeout: "models.defaults.queue_timeout"
        case .memory: "models.memory"
        case .weightCache: "models.weight_cache"
        case .keepAlive: "models.defaults.keep_alive"
        case .swapMaxWait: "models.swap_max_wait"
        case .minResidence: "models.min_residence"
        case .preload: "models.preload"
        case .apiKeyFile: "api_key_file"
        case .keyStore: "key_store"
        case .adminSocket: "admin_socket"
        case .allowAnonymous: "allow_anonymous"
        case .allowedHosts: "allowed_hosts"
        case .allowedOrigins: "allowed_origins"
        case .drainTimeout: "drain_timeout"
        case .logLevel: "log_level"
        case .workerSandbox: "worker_sandbox"
        case .workerTimeout: "worker_timeout"
        }
    }

    /// The flag of `torii serve`.
    package var flag: String {
        switch self {
        case .models: "--models"
        case .allowedHosts: "--allowed-host"
        case .allowedOrigins: "--allowed-origin"
        default:
            "--" + (key.split(separator: ".").last ?? "").map { $0 == "_" ? "-" : "\($0)" }.joined()
        }
    }

    /// The variable; lists are parted by commas, directories by colons.
    package var variable: String {
        switch self {
        case .models: "TORII_MODELS"
        default: "TORII_" + (key.split(separator: ".").last ?? "").uppercased()
        }
    }

    /// What the help calls the value; nil for a flag without one.
    package var valueName: String? {
        switch self {
        case .listen: "ADDRESS"
        case .models: "DIR"
        case .context, .threads, .parallel: "N"
        case .queueRequests, .queueRequestsPerKey, .queueTokens, .queueTokensPerKey: "N"
        case .kvBytes, .memory, .weightCache: "BYTES"
        case .keepAlive: "TIME"
        case .preload: "MODEL"
        case .kvType: "TYPE"
        case .speculation: "on|off"
        case .apiKeyFile, .keyStore: "FILE"
        case .adminSocket: "PATH"
        case .allowAnonymous: nil
        case .allowedHosts: "NAME"
        case .allowedOrigins: "ORIGIN"
        case .drainTimeout, .queueTimeout, .workerTimeout, .swapMaxWait, .minResidence: "SECONDS"
        case .logLevel: "LEVEL"
        case .workerSandbox: "POLICY"
        }
    }

    /// Whether the flag may be given more than once.
    package var isList: Bool {
        switch self {
        case .listen, .models, .preload, .allowedHosts, .allowedOrigins: true
        default: false
        }
    }

    /// One line of help.
    package var help: String {
        switch self {
        case .listen: "address to listen on: 127.0.0.1:11435, [::1]:11435, unix:PATH"
        case .models: "directory whose *.gguf files are the models"
        case .context: "tokens of prompt and answer together, at most"
        case .threads: "threads that compute; the usable cores when not given"
        case .parallel: "requests that a model computes at the same time"
        case .kvBytes: "memory for keys and values per model, like 2GiB"
        case .kvType: "how keys and values are stored: f16, q8 (half), q8-values"
        case .speculation: "whether likely next tokens are guessed where it pays; on"
        case .queueRequests: "requests that a model may have under way, 512"
        case .queueRequestsPerKey: "requests of one API key among them, 256"
        case .queueTokens: "prompt tokens that a model may have under way, 4194304"
        case .queueTokensPerKey: "prompt tokens of one API key among them, 2097152"
        case .queueTimeout: "how long a request may wait for its turn, 600"
        case .memory: "memory for all models together, like 12GiB or 80%"
        case .weightCache: "disk for packed weights, so that models load again at once; 16GiB"
        case .keepAlive: "how long a model may be idle, like 10m; 5m, -1 for ever"
        case .swapMaxWait: "how long a model waits for busy ones to make room, 30"
        case .minResidence: "how long a model stays before it goes for another, 5"
        case .preload: "model that is loaded at the start"
        case .apiKeyFile: "file with one key per line; clients must then show one"
        case .keyStore: "file of the keys that `torii keys` makes, which holds no secret"
        case .adminSocket: "unix socket by which operators do everything without a key, or none"
        case .allowAnonymous: "listen on other machines' reach without any key"
        case .allowedHosts: "name that clients may reach this daemon by"
        case .allowedOrigins: "web page origin that may call, like http://localhost:3000"
        case .drainTimeout: "time for running requests at the end, 30 when not given"
        case .logLevel: "error, warning, info or debug"
        case .workerTimeout: "how long a model's process may be silent before it is ended, 10"
        case .workerSandbox: "lock workers in: required, available (as far as the kernel can), off"
        }
    }
}

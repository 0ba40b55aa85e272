/// Every setting that can be given as a flag of `torii serve` or as a variable.
///
/// One table for the flags, the variables and their help; the file has the same settings under
/// `key`, and per-model entries besides.
package enum DaemonSetting: CaseIterable, Sendable {
    case listen, models, context, threads, parallel, kvBytes
    case apiKeyFile, allowAnonymous, allowedHosts, allowedOrigins, drainTimeout, logLevel

    /// Where the file has it.
    package var key: String {
        switch self {
        case .listen: "listen"
        case .models: "models.directories"
        case .context: "models.defaults.context"
        case .threads: "models.defaults.threads"
        case .parallel: "models.defaults.parallel"
        case .kvBytes: "models.defaults.kv_bytes"
        case .apiKeyFile: "api_key_file"
        case .allowAnonymous: "allow_anonymous"
        case .allowedHosts: "allowed_hosts"
        case .allowedOrigins: "allowed_origins"
        case .drainTimeout: "drain_timeout"
        case .logLevel: "log_level"
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
        case .kvBytes: "BYTES"
        case .apiKeyFile: "FILE"
        case .allowAnonymous: nil
        case .allowedHosts: "NAME"
        case .allowedOrigins: "ORIGIN"
        case .drainTimeout: "SECONDS"
        case .logLevel: "LEVEL"
        }
    }

    /// Whether the flag may be given more than once.
    package var isList: Bool {
        switch self {
        case .listen, .models, .allowedHosts, .allowedOrigins: true
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
        case .apiKeyFile: "file with one key per line; clients must then show one"
        case .allowAnonymous: "listen on other machines' reach without any key"
        case .allowedHosts: "name that clients may reach this daemon by"
        case .allowedOrigins: "web page origin that may call, like http://localhost:3000"
        case .drainTimeout: "time for running requests at the end, 30 when not given"
        case .logLevel: "error, warning, info or debug"
        }
    }

    /// Puts what a flag or a variable said into `settings`.
    ///
    /// - Parameters:
    ///   - values: The texts; one, unless `isList`.
    ///   - source: The flag or variable, for problems.
    ///   - settings: What receives it.
    /// - Throws: What is wrong with the text.
    package func apply(
        _ values: [String],
        from source: String,
        to settings: inout DaemonSettings
    ) throws(ConfigurationProblem) {
        var defaults = settings.models.defaults ?? ModelEntrySettings()
        let text = values.last ?? ""
        switch self {
        case .listen: settings.listen = values
        case .models: settings.models.directories = values
        case .apiKeyFile: settings.apiKeyFile = text
        case .allowedHosts: settings.allowedHosts = values
        case .allowedOrigins: settings.allowedOrigins = values
        case .logLevel: settings.logLevel = text
        case .allowAnonymous: settings.allowAnonymous = try Self.boolean(text, from: source)
        case .drainTimeout:
            settings.drainTimeout = try Self.number(text, SettingLimits.drainTimeout, from: source)
        case .context: defaults.context = try Self.number(text, SettingLimits.context, from: source)
        case .threads: defaults.threads = try Self.number(text, SettingLimits.threads, from: source)
        case .parallel:
            defaults.parallel = try Self.number(text, SettingLimits.parallel, from: source)
        case .kvBytes:
            defaults.kvBytes = try Self.number(
                text,
                SettingLimits.kvBytes,
                from: source,
                hasByteUnits: true
            )
        }
        if defaults != ModelEntrySettings() { settings.models.defaults = defaults }
    }

    private static func boolean(
        _ text: String,
        from source: String
    ) throws(ConfigurationProblem) -> Bool {
        switch text.lowercased() {
        case "1", "true", "yes", "on": true
        case "0", "false", "no", "off": false
        default:
            throw ConfigurationProblem(source: source, key: "", message: "must be true or false")
        }
    }

    private static func number(
        _ text: String,
        _ range: ClosedRange<Int>,
        from source: String,
        hasByteUnits: Bool = false
    ) throws(ConfigurationProblem) -> Int {
        let units = [
            "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40, "K": 10, "M": 20, "G": 30, "T": 40,
        ]
        var digits = text
        var shift = 0
        if hasByteUnits,
            let unit = units.keys.filter({ text.hasSuffix($0) }).max(by: { $0.count < $1.count })
        {
            digits = String(text.dropLast(unit.count)).trimmingSuffixSpaces()
            shift = units[unit] ?? 0
        }
        if let number = Int(digits), number >= 0, number <= Int.max >> shift,
            range.contains(number << shift)
        {
            return number << shift
        }
        throw ConfigurationProblem(
            source: source,
            key: "",
            message: "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
                + (hasByteUnits ? ", or one with a unit like 2GiB" : "") + ", not \(text)"
        )
    }
}

extension String {
    fileprivate func trimmingSuffixSpaces() -> String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}

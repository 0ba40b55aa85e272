import ModelService
import WorkerProtocol

// What flags and variables say, as values.
extension DaemonSetting {
    /// Where a model's number is kept, and what it may be; nil for settings of another kind.
    var modelNumber: (path: WritableKeyPath<ModelEntrySettings, Int?>, range: ClosedRange<Int>)? {
        switch self {
        case .context: (\.context, SettingLimits.context)
        case .threads: (\.threads, SettingLimits.threads)
        case .parallel: (\.parallel, SettingLimits.parallel)
        case .kvBytes: (\.kvBytes, SettingLimits.kvBytes)
        case .queueRequests: (\.queueRequests, SettingLimits.queueRequests)
        case .queueRequestsPerKey: (\.queueRequestsPerKey, SettingLimits.queueRequests)
        case .queueTokens: (\.queueTokens, SettingLimits.queueTokens)
        case .queueTokensPerKey: (\.queueTokensPerKey, SettingLimits.queueTokens)
        case .queueTimeout: (\.queueTimeout, SettingLimits.queueTimeout)
        default: nil
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
        case .keyStore: settings.keyStore = text
        case .adminSocket: settings.adminSocket = text
        case .allowedHosts: settings.allowedHosts = values
        case .allowedOrigins: settings.allowedOrigins = values
        case .logLevel: settings.logLevel = text
        case .workerSandbox: settings.workerSandbox = text
        case .allowAnonymous: settings.allowAnonymous = try Self.boolean(text, from: source)
        case .drainTimeout:
            settings.drainTimeout = try Self.number(text, SettingLimits.drainTimeout, from: source)
        case .workerTimeout:
            settings.workerTimeout = try Self.number(
                text,
                SettingLimits.workerTimeout,
                from: source
            )
        case .memory: settings.models.memory = try Self.size(text, from: source)
        case .weightCache: settings.models.weightCache = try Self.size(text, from: source)
        case .keepAlive: defaults.keepAlive = try Self.keepAlive(text, from: source)
        case .swapMaxWait:
            settings.models.swapMaxWait = try Self.number(
                text,
                SettingLimits.swapMaxWait,
                from: source
            )
        case .minResidence:
            settings.models.minResidence = try Self.number(
                text,
                SettingLimits.minResidence,
                from: source
            )
        case .preload: settings.models.preload = values
        case .kvType: defaults.kvType = try Self.kvType(text, from: source)
        case .speculation: defaults.speculation = try Self.boolean(text, from: source)
        case .context, .threads, .parallel, .kvBytes, .queueRequests, .queueRequestsPerKey,
            .queueTokens, .queueTokensPerKey, .queueTimeout:
            guard let (path, range) = modelNumber else { break }
            defaults[keyPath: path] = try Self.number(
                text,
                range,
                from: source,
                hasByteUnits: self == .kvBytes
            )
        }
        if defaults != ModelEntrySettings() { settings.models.defaults = defaults }
    }

    private static func kvType(
        _ text: String,
        from source: String
    ) throws(ConfigurationProblem) -> WorkerLoadOptions.KVType {
        if let type = WorkerLoadOptions.KVType(name: text) { return type }
        throw ConfigurationProblem(
            source: source,
            key: "",
            message: "must be \(WorkerLoadOptions.KVType.names), not \(text)"
        )
    }

    private static func size<Size: SizeSetting>(
        _ text: String,
        from source: String
    ) throws(ConfigurationProblem) -> Size {
        if let size = Size(text) { return size }
        throw ConfigurationProblem(
            source: source,
            key: "",
            message: "must be \(Size.form), not \(text)"
        )
    }

    private static func keepAlive(
        _ text: String,
        from source: String
    ) throws(ConfigurationProblem) -> KeepAlive {
        if let keepAlive = KeepAlive(text) { return keepAlive }
        throw ConfigurationProblem(
            source: source,
            key: "",
            message: "must be \(SettingLimits.keepAliveForm), not \(text)"
        )
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
        let number = hasByteUnits ? ByteCountText.parse(text) : Int(text)
        if let number, range.contains(number) { return number }
        throw ConfigurationProblem(
            source: source,
            key: "",
            message: "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
                + (hasByteUnits ? ", or one with a unit like 2GiB" : "") + ", not \(text)"
        )
    }
}

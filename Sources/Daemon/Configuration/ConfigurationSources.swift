package import APIKeys
import Glibc

/// The settings of all sources, the strongest first, and where each came from.
///
/// Flags win over `TORII_…` variables, which win over the file.
package struct ConfigurationSources: Sendable {
    /// The flags of the command line.
    let flags: DaemonSettings
    /// The variables of the process.
    let variables: DaemonSettings
    /// The file's settings, or nothing when there is no file.
    let file: DaemonSettings
    /// The file's text, to find lines in.
    private let fileBytes: [UInt8]
    /// The file that was read, or nil when there was none.
    package let filePath: String?
    /// Where things are by default.
    let paths: StandardPaths

    /// Reads the file and the variables.
    ///
    /// - Parameters:
    ///   - flags: The values of flags by setting.
    ///   - configurationFile: The file that `--config` names; it must exist.
    ///   - variables: The process's variables.
    ///   - isRoot: Whether the process may use the system's places.
    /// - Throws: The first problem of a flag, a variable or the file.
    package init(
        flags: [DaemonSetting: [String]],
        configurationFile: String?,
        variables: [String: String],
        isRoot: Bool = geteuid() == 0
    ) throws(ConfigurationProblem) {
        paths = StandardPaths(variables: variables, isRoot: isRoot)
        var fromFlags = DaemonSettings()
        var fromVariables = DaemonSettings()
        for setting in DaemonSetting.allCases {
            if let values = flags[setting] {
                try setting.apply(values, from: setting.flag, to: &fromFlags)
            }
            if let text = variables[setting.variable], !text.isEmpty {
                let separator: Character = setting == .models ? ":" : ","
                let values =
                    setting.isList ? text.split(separator: separator).map(String.init) : [text]
                try setting.apply(values, from: setting.variable, to: &fromVariables)
            }
        }
        self.flags = fromFlags
        self.variables = fromVariables
        let named = configurationFile ?? variables["TORII_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let path = named ?? paths.configurationFile
        // Safety: the string outlives the call as a NUL-terminated copy.
        let exists = unsafe access(path, F_OK) == 0
        if named != nil || exists {
            fileBytes = try ConfigurationFile.contents(of: path)
            file = try ConfigurationFile.parse(fileBytes, source: path)
            filePath = path
        } else {
            fileBytes = []
            file = DaemonSettings()
            filePath = nil
        }
    }

    /// Sources made by hand, for tests.
    init(
        flags: DaemonSettings,
        variables: DaemonSettings,
        file: DaemonSettings,
        paths: StandardPaths
    ) {
        self.flags = flags
        self.variables = variables
        self.file = file
        self.paths = paths
        fileBytes = []
        filePath = "torii.json"
    }

    /// All sources laid over each other.
    var merged: DaemonSettings { file.applying(variables).applying(flags) }

    /// The place of the keys that `torii keys` makes.
    package var keyStore: KeyStore {
        KeyStore(
            path: merged.keyStore ?? paths.keyStore,
            pepperPath: paths.credential("torii.pepper")
        )
    }

    /// A problem with what the strongest source says about `setting`.
    func problem(_ setting: DaemonSetting, _ message: String) -> ConfigurationProblem {
        if says(flags, setting) {
            return ConfigurationProblem(source: setting.flag, key: "", message: message)
        }
        if says(variables, setting) {
            return ConfigurationProblem(source: setting.variable, key: "", message: message)
        }
        return problem(at: setting.key.split(separator: ".").map(String.init), message)
    }

    /// A problem with what the file says at the path of keys `path`.
    func problem(at path: [String], _ message: String) -> ConfigurationProblem {
        ConfigurationProblem(
            source: filePath ?? "configuration",
            line: JSON5Syntax.line(of: path, in: fileBytes),
            key: path.joined(separator: "."),
            message: message
        )
    }

    private func says(_ settings: DaemonSettings, _ setting: DaemonSetting) -> Bool {
        let defaults = settings.models.defaults ?? ModelEntrySettings()
        if let (path, _) = setting.modelNumber { return defaults[keyPath: path] != nil }
        return switch setting {
        case .listen: settings.listen != nil
        case .models: settings.models.directories != nil
        case .kvType: defaults.kvType != nil
        case .speculation: defaults.speculation != nil
        case .context, .threads, .parallel, .kvBytes, .queueRequests, .queueRequestsPerKey,
            .queueTokens, .queueTokensPerKey, .queueTimeout:
            false
        case .memory: settings.models.memory != nil
        case .weightCache: settings.models.weightCache != nil
        case .keepAlive: defaults.keepAlive != nil
        case .swapMaxWait: settings.models.swapMaxWait != nil
        case .minResidence: settings.models.minResidence != nil
        case .preload: settings.models.preload != nil
        case .apiKeyFile: settings.apiKeyFile != nil
        case .keyStore: settings.keyStore != nil
        case .adminSocket: settings.adminSocket != nil
        case .allowAnonymous: settings.allowAnonymous != nil
        case .allowedHosts: settings.allowedHosts != nil
        case .allowedOrigins: settings.allowedOrigins != nil
        case .drainTimeout: settings.drainTimeout != nil
        case .logLevel: settings.logLevel != nil
        case .workerSandbox: settings.workerSandbox != nil
        case .workerTimeout: settings.workerTimeout != nil
        }
    }
}

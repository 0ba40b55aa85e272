import APIKeys
import Glibc
import HTTP
import ModelService
import Platform
import Telemetry
import WorkerProtocol

extension DaemonConfiguration {
    /// The configuration that `sources` describe, or every problem found in it.
    ///
    /// - Parameters:
    ///   - sources: File, variables and flags.
    ///   - inheritsSockets: Whether a service manager has opened sockets, so that `listen` may be
    ///     left out.
    /// - Throws: All problems together.
    package init(
        checking sources: ConfigurationSources,
        inheritsSockets: Bool = false
    ) throws(ConfigurationProblems) {
        var checker = ConfigurationChecker(sources: sources, inheritsSockets: inheritsSockets)
        let configuration = checker.configuration()
        guard checker.problems.isEmpty else {
            throw ConfigurationProblems(problems: checker.problems)
        }
        self = configuration
    }
}

/// Turns settings into a configuration and collects what is wrong with them.
private struct ConfigurationChecker {
    let sources: ConfigurationSources
    let settings: DaemonSettings
    let inheritsSockets: Bool
    var problems: [ConfigurationProblem] = []

    init(sources: ConfigurationSources, inheritsSockets: Bool) {
        self.sources = sources
        settings = sources.merged
        self.inheritsSockets = inheritsSockets
    }

    mutating func configuration() -> DaemonConfiguration {
        let keys = apiKeys()
        let store = keyStore()
        let adminSocket = adminSocket()
        let configuration = DaemonConfiguration(
            listen: listenAddresses(),
            standardSocket: settings.listen == nil && !inheritsSockets ? sources.paths.socket : nil,
            adminSocket: adminSocket,
            requiresAdminSocket: settings.adminSocket != nil,
            allowAnonymous: settings.allowAnonymous ?? false,
            apiKeys: keys,
            keyStore: store.store,
            hasKeyStore: store.exists,
            usagePath: sources.paths.usage,
            allowedHosts: settings.allowedHosts ?? [],
            allowedOrigins: settings.allowedOrigins ?? [],
            drainTimeout: .seconds(settings.drainTimeout ?? 30),
            logLevel: logLevel(),
            logPrompts: logPrompts(),
            workerSandbox: workerSandbox(),
            workerTimeout: .seconds(settings.workerTimeout ?? 10),
            modelDirectories: modelDirectories(),
            memory: settings.models.memory,
            weightCacheDirectory: sources.paths.weightCache,
            weightCacheByteCount: (settings.models.weightCache ?? .standard).byteCount,
            residency: residency(),
            preload: settings.models.preload ?? [],
            modelDefaults: entry(settings.models.defaults ?? ModelEntrySettings()),
            models: models(),
            filePath: sources.filePath
        )
        checkExposure(configuration)
        return configuration
    }

    private mutating func listenAddresses() -> [ListenAddress] {
        guard let texts = settings.listen else {
            let standard = try? ListenAddress(parsing: DaemonConfiguration.defaultAddress)
            return inheritsSockets ? [] : [standard].compactMap(\.self)
        }
        if texts.isEmpty, !inheritsSockets {
            problems.append(sources.problem(.listen, "names no address, so nobody could connect"))
        }
        return texts.compactMap { text in
            do {
                return try ListenAddress(parsing: text)
            } catch {
                problems.append(sources.problem(.listen, "\(error)"))
                return nil
            }
        }
    }

    /// Without keys only this machine may connect, unless the operator says otherwise.
    private mutating func checkExposure(_ configuration: DaemonConfiguration) {
        guard !configuration.asksForKeys, !configuration.allowAnonymous,
            problems.isEmpty,
            let open = configuration.listen.first(where: { !$0.isLoopback })
        else { return }
        problems.append(
            sources.problem(
                .listen,
                "\(open) can be reached from other machines: make a key with `torii keys add NAME`, or "
                    + "give --allow-anonymous if everybody there may use it"
            )
        )
    }

    private mutating func logLevel() -> LogLevel {
        guard let name = settings.logLevel else { return .info }
        if let level = LogLevel(name: name) { return level }
        let names = LogLevel.allCases.map(\.name).joined(separator: ", ")
        problems.append(sources.problem(.logLevel, "\(name) is not one of \(names)"))
        return .info
    }

    private mutating func logPrompts() -> String? {
        guard let path = settings.logPrompts else { return nil }
        guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.utf8.contains(0) else {
            let message = "\(path) is no whole path of a file, like /var/lib/torii/prompts.jsonl"
            problems.append(sources.problem(at: ["log_prompts"], message))
            return nil
        }
        return path
    }

    private mutating func workerSandbox() -> Sandbox.Policy {
        guard let name = settings.workerSandbox else { return .available }
        if let policy = Sandbox.Policy(rawValue: name) { return policy }
        let names = Sandbox.Policy.allCases.map(\.rawValue).joined(separator: ", ")
        problems.append(sources.problem(.workerSandbox, "\(name) is not one of \(names)"))
        return .available
    }

    private mutating func modelDirectories() -> [String] {
        guard let directories = settings.models.directories else {
            return [sources.paths.modelDirectory]
        }
        for directory in directories {
            var status = stat()
            // Safety: `status` outlives the call.
            if unsafe stat(directory, &status) != 0 {
                problems.append(sources.problem(.models, "there is no directory \(directory)"))
            } else if status.st_mode & S_IFMT != S_IFDIR {
                problems.append(
                    sources.problem(.models, "\(directory) is a file; name the directory it is in")
                )
            }
        }
        return directories
    }

    private func residency() -> ResidencyPolicy {
        var policy = ResidencyPolicy()
        if let seconds = settings.models.swapMaxWait { policy.maximumSwapWait = .seconds(seconds) }
        if let seconds = settings.models.minResidence {
            policy.minimumResidence = .seconds(seconds)
        }
        return policy
    }

    private mutating func models() -> [String: ModelConfigurationEntry] {
        let entries = settings.models.entries ?? [:]
        var owners: [String: String] = [:]
        for name in entries.keys.sorted() {
            for alias in [name] + (entries[name]?.aliases ?? []) {
                if let other = owners[alias.lowercased()] {
                    let message = "`\(alias)` already belongs to \(other)"
                    problems.append(
                        sources.problem(at: ["models", "entries", name, "aliases"], message)
                    )
                }
                owners[alias.lowercased()] = name
            }
        }
        checkVariants(entries)
        return entries.mapValues { entry($0) }
    }

    private mutating func checkVariants(_ entries: [String: ModelEntrySettings]) {
        let path = ["models", "entries"]
        for (name, settings) in entries.sorted(by: { $0.key < $1.key }) {
            guard let base = settings.variantOf else { continue }
            if entries[base]?.variantOf != nil || base == name {
                let message = "`\(base)` is a variant itself; name the model"
                problems.append(sources.problem(at: path + [name, "variant_of"], message))
            } else if !settings.isAboutRequestsOnly {
                let message =
                    "a variant shares the process of \(base), so only that can be given context, "
                    + "threads, keep_alive, adapters and the like"
                problems.append(sources.problem(at: path + [name], message))
            }
        }
        if settings.models.defaults?.adapters != nil {
            let message = "belong to a model of `entries`"
            problems.append(
                sources.problem(at: ["models", "defaults", "adapters"], message)
            )
        }
        if settings.models.defaults?.variantOf != nil {
            let message = "belongs to a model of `entries`"
            problems.append(
                sources.problem(at: ["models", "defaults", "variant_of"], message)
            )
        }
    }

    private func entry(_ settings: ModelEntrySettings) -> ModelConfigurationEntry {
        ModelConfigurationEntry(
            aliases: settings.aliases ?? [],
            variantOf: settings.variantOf,
            requests: settings.requests,
            adapters: settings.adapters?.adapters ?? [],
            contextLength: settings.context,
            threadCount: settings.threads,
            kvByteCount: settings.kvBytes,
            maximumSequenceCount: settings.parallel,
            kvType: settings.kvType,
            weightType: settings.quantize,
            speculation: settings.speculation.map { $0 ? .automatic : .off },
            queue: QueueSettings(
                requestCount: settings.queueRequests,
                requestCountPerKey: settings.queueRequestsPerKey,
                tokenCount: settings.queueTokens,
                tokenCountPerKey: settings.queueTokensPerKey,
                timeout: settings.queueTimeout.map { .seconds($0) }
            ),
            computeWeight: settings.weight,
            keepAlive: settings.keepAlive,
            isPinned: settings.pin,
            isPreloaded: settings.preload
        )
    }

    /// The keys of the file that the configuration names, or of systemd's credential.
    private mutating func apiKeys() -> [APIKey] {
        guard let path = settings.apiKeyFile ?? sources.paths.credential("torii.keys") else {
            return []
        }
        do {
            return try APIKeyFile.read(path: path)
        } catch {
            problems.append(sources.problem(.apiKeyFile, error.message))
            return []
        }
    }

    /// The place of the keys that `torii keys` makes, which must be in order if it exists.
    private mutating func keyStore() -> (store: KeyStore, exists: Bool) {
        let store = sources.keyStore
        do throws(KeyStoreError) {
            return (store, try store.load() != nil)
        } catch {
            problems.append(sources.problem(.keyStore, "\(error)"))
            return (store, true)
        }
    }

    /// A service manager's sockets come with one of their own.
    private mutating func adminSocket() -> String? {
        guard let path = settings.adminSocket else {
            return inheritsSockets ? nil : sources.paths.adminSocket
        }
        if path == "none" { return nil }
        if !path.hasPrefix("/") {
            problems.append(
                sources.problem(.adminSocket, "\(path) is no absolute path, nor `none`")
            )
        }
        return path
    }
}

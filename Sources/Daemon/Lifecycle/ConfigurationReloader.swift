import Gateway
import ModelService
import Platform
import Telemetry

/// Reads the configuration again while the daemon runs, and puts it to use.
///
/// All or nothing: everything is read and checked first, and what cannot be used changes nothing.
/// Reloads come one after the other, whoever asks.
actor ConfigurationReloader {
    /// The configuration in use, as far as it can change without a restart.
    private(set) var current: DaemonConfiguration
    private let addresses: [SocketAddress]
    private let variables: [String: String]
    private let service: ModelService
    private let gateway: Gateway
    private let log: Log
    private let read: @Sendable () throws -> DaemonConfiguration
    private var last: Task<ReloadOutcome, Never>?

    /// A reloader for a daemon that runs with `configuration`.
    ///
    /// - Parameters:
    ///   - configuration: What the daemon was started with.
    ///   - addresses: Where it listens.
    ///   - variables: The process's variables, for workers.
    ///   - service: Gets models and their settings.
    ///   - gateway: Gets keys, hosts and origins.
    ///   - log: Gets the level, and one entry per reload.
    ///   - read: Reads and checks the configuration.
    init(
        _ configuration: DaemonConfiguration,
        addresses: [SocketAddress],
        variables: [String: String],
        service: ModelService,
        gateway: Gateway,
        log: Log,
        read: @escaping @Sendable () throws -> DaemonConfiguration
    ) {
        current = configuration
        self.addresses = addresses
        self.variables = variables
        self.service = service
        self.gateway = gateway
        self.log = log
        self.read = read
    }

    /// Reads the configuration and puts it to use, or says what is wrong with it.
    func reload() async -> ReloadOutcome {
        let before = last
        let task = Task {
            _ = await before?.value
            return await perform()
        }
        last = task
        return await task.value
    }

    private func perform() async -> ReloadOutcome {
        let outcome: ReloadOutcome
        do {
            outcome = .applied(await apply(try checked()))
            log.info("reloaded", ("summary", outcome.summary))
        } catch {
            outcome = .refused(problems: Self.problems(of: error))
            log.error("reload failed", ("summary", outcome.summary))
        }
        service.announceReload(summary: outcome.summary)
        return outcome
    }

    /// The new configuration, which must also suit the sockets that are open already.
    private func checked() throws -> DaemonConfiguration {
        let new = try read()
        if !new.asksForKeys, !new.allowAnonymous,
            let open = addresses.first(where: { !$0.isLoopback })
        {
            throw ConfigurationProblem(
                source: new.filePath ?? "configuration",
                key: DaemonSetting.apiKeyFile.key,
                message: "the daemon listens on \(open), which can be reached from other machines: "
                    + "make a key with `torii keys add NAME`, or set allow_anonymous if everybody there "
                    + "may use it"
            )
        }
        return new
    }

    private func apply(_ new: DaemonConfiguration) async -> ReloadOutcome.Applied {
        let changes = current.changes(to: new)
        log.level = new.logLevel
        gateway.reconfigure(new.gateway)
        let models = await service.reconfigure(new.modelService(variables: variables))
        // What needs a restart is compared with what runs, however often it is asked for.
        var inUse = new
        inUse.listen = current.listen
        inUse.standardSocket = current.standardSocket
        inUse.keyStore = current.keyStore
        inUse.adminSocket = current.adminSocket
        inUse.logPrompts = current.logPrompts
        inUse.workerSandbox = current.workerSandbox
        inUse.workerTimeout = current.workerTimeout
        current = inUse
        return ReloadOutcome.Applied(
            changed: changes.applicable,
            needingRestart: changes.needingRestart,
            leaving: models.leaving,
            modelCount: models.modelCount
        )
    }

    private static func problems(of error: any Error) -> [String] {
        switch error {
        case let error as ConfigurationProblems: error.problems.map(\.description)
        default: ["\(error)"]
        }
    }
}

import APIKeys
import Gateway
import Glibc
import HTTP
import ModelService
import Platform
import Synchronization
package import Telemetry
import WorkerProtocol

/// Builds the whole daemon, runs it, and stops it.
///
/// Start: 1. signals, inherited sockets and configuration; 2. model service and gateway;
/// 3. listening sockets; 4. READY. Stop is the reverse: STOPPING, no new connections, running
/// requests finish within the drain time-out, workers end, sockets close. Models are loaded after
/// READY, so a broken one cannot keep the daemon from starting.
package struct DaemonProcess {
    /// What the daemon needs to know from its surroundings.
    package struct Surroundings: Sendable {
        /// Reads and checks the configuration, at the start and at each SIGHUP.
        ///
        /// The parameter says whether sockets are inherited.
        package var configuration: @Sendable (Bool) throws -> DaemonConfiguration
        /// The process's variables.
        package var variables: [String: String]
        /// Where to report.
        package var notifier: SystemdNotifier
        /// Where log entries go.
        package var logSink: LogSink

        /// Surroundings with the real service manager, and its journal or standard error.
        package init(
            variables: [String: String],
            notifier: SystemdNotifier = .system,
            logSink: LogSink = JournalSink.orStandardError,
            configuration: @escaping @Sendable (Bool) throws -> DaemonConfiguration
        ) {
            self.variables = variables
            self.notifier = notifier
            self.logSink = logSink
            self.configuration = configuration
        }
    }

    /// Exit code of a configuration that cannot be used: EX_CONFIG of sysexits(3).
    ///
    /// The unit names it in `RestartPreventExitStatus=`.
    package static let configurationExitCode: Int32 = 78

    private let surroundings: Surroundings
    private let notifier: SystemdNotifier
    private let log: Log
    private let configuration: DaemonConfiguration
    private let events: DaemonEvents
    private let gateway: Gateway
    private let server: HTTPServer
    private let service: ModelService
    private let reloader: ConfigurationReloader
    private let usage: UsageKeeper?

    /// Runs a daemon until it is told to stop, and returns the exit code.
    ///
    /// Call it on the main thread before other threads start.
    package static func run(in surroundings: Surroundings) -> Int32 {
        let log = Log(sink: surroundings.logSink)
        do {
            let process = try DaemonProcess(surroundings)
            return try process.run()
        } catch let error as ConfigurationProblems {
            for problem in error.problems { log.error("configuration", ("problem", problem)) }
            surroundings.notifier.failed(status: "\(error.problems[0])")
            return configurationExitCode
        } catch let error as ConfigurationProblem {
            log.error("configuration", ("problem", error))
            surroundings.notifier.failed(status: "\(error)")
            return configurationExitCode
        } catch let error as SystemError {
            log.error("cannot start", ("problem", error), ("advice", StartAdvice.text(for: error)))
            surroundings.notifier.failed(status: "cannot start: \(error)")
            return 1
        } catch {
            log.error("cannot start", ("problem", "\(error)"))
            surroundings.notifier.failed(status: "cannot start: \(error)")
            return 1
        }
    }

    private init(_ surroundings: Surroundings) throws {
        self.surroundings = surroundings
        notifier = surroundings.notifier
        events = try DaemonEvents()
        let inherited = try InheritedSockets.take()
        let inheritsSockets = inherited.contains { $0.name != InheritedSockets.keptName }
        configuration = try surroundings.configuration(inheritsSockets)
        log = Log(level: configuration.logLevel, sink: surroundings.logSink)
        ResourceLimits.raiseDescriptorLimit()
        var serviceConfiguration = configuration.modelService(variables: surroundings.variables)
        serviceConfiguration.workerGroups = Self.workerGroups(log)
        service = ModelService(configuration: serviceConfiguration, log: log)
        usage = Self.usage(configuration, log)
        var gatewayConfiguration = configuration.gateway
        for socket in inherited where socket.name == InheritedSockets.adminName {
            gatewayConfiguration.adminSockets.insert(socket.address.host)
        }
        gateway = Gateway(
            service: service,
            configuration: gatewayConfiguration,
            keyRing: try KeyRing(store: configuration.keyStore),
            usage: usage,
            prompts: try Self.prompts(configuration, log),
            log: log
        )
        server = try ListeningSockets.open(
            configuration,
            inherited: inherited,
            handler: gateway,
            connections: gateway.connections,
            log: log
        )
        ListeningSockets.keep(of: server, inherited: inherited, notifier: notifier)
        reloader = ConfigurationReloader(
            configuration,
            addresses: server.addresses,
            variables: surroundings.variables,
            service: service,
            gateway: gateway,
            log: log
        ) {
            try surroundings.configuration(inheritsSockets)
        }
        gateway.onReload { [reloader] in await reloader.reload() }
    }

    /// The book of usage; without one that can be read, nothing is counted over restarts.
    private static func usage(_ configuration: DaemonConfiguration, _ log: Log) -> UsageKeeper? {
        do {
            return try UsageKeeper(path: configuration.usagePath) { error in
                log.error("usage cannot be kept", ("problem", error))
            }
        } catch {
            log.error("usage cannot be read and is not kept", ("problem", error))
            return nil
        }
    }

    /// The file of prompts that the configuration wants; a daemon that cannot write it does not start.
    private static func prompts(
        _ configuration: DaemonConfiguration,
        _ log: Log
    ) throws(SystemError) -> PromptLog? {
        guard let path = configuration.logPrompts else { return nil }
        log.warning("prompts are written to a file", ("path", path))
        return try PromptLog(path: path, log: log)
    }

    /// The control group to divide among workers, if the service manager has handed one over.
    private static func workerGroups(_ log: Log) -> DelegatedGroup? {
        do throws(DelegatedGroup.Unavailable) {
            let group = try DelegatedGroup()
            log.info("workers get control groups", ("directory", group.directory))
            return group
        } catch {
            log.info("workers get no control groups of their own", ("reason", error))
            return nil
        }
    }

    /// The main thread waits for signals while a task acts on them.
    private func run() throws -> Int32 {
        try server.start()
        for address in server.addresses { log.info("listening", ("address", address)) }
        log.info(
            "started",
            ("version", ProductVersion.current),
            ("configuration", configuration.filePath ?? "none"),
            ("models", configuration.modelDirectories.joined(separator: ":"))
        )
        let exitCode = ExitCode()
        // A task of the main thread would ask for a priority that only root may have.
        Task(priority: .medium) {
            notifier.ready(status: await status())
            await service.preload()
            exitCode.set(await handleEvents())
            events.stop()
        }
        try events.deliver(interval: reportInterval)
        log.info("stopped", ("code", exitCode.value))
        return exitCode.value
    }

    /// Half the watchdog's time-out, or ten seconds when only the status line wants news.
    private var reportInterval: Duration? {
        if let timeout = SystemdNotifier.watchdogTimeout() { return timeout / 2 }
        return surroundings.variables["NOTIFY_SOCKET"] == nil ? nil : .seconds(10)
    }

    private func handleEvents() async -> Int32 {
        var state = LifecycleState()
        let watchdog = Watchdog(notifier: notifier)
        for await event in events.stream {
            switch state.received(event) {
            case .none: break
            case .reload: await reload()
            case .report: watchdog.report(server: server, service: service) { await status() }
            case .drain: await drain()
            case .extend: notifier.extendTimeout(by: .seconds(2), status: "finishing requests")
            case .end(let code): return code
            }
        }
        return 0
    }

    /// Runs beside the event loop, so that a second signal is seen.
    private func drain() async {
        let deadline = await reloader.current.drainTimeout
        log.info("stopping", ("drain_seconds", deadline.components.seconds))
        notifier.stopping(status: "finishing requests")
        gateway.beginStopping()
        let (server, service, usage, events) = (self.server, self.service, self.usage, self.events)
        Task {
            await server.drain(deadline: deadline)
            await service.shutdown()
            server.stop()
            usage?.save()
            events.post(.drained)
        }
    }

    /// Reads the configuration again and puts to use what can change while the daemon runs.
    private func reload() async {
        notifier.reloading(now: .now())
        switch await reloader.reload() {
        case .applied: notifier.ready(status: await status())
        case .refused(let problems):
            notifier.ready(status: "reload failed: " + problems.joined(separator: "; "))
        }
    }

    /// The line that `systemctl status` shows.
    private func status() async -> String {
        let models = await service.status().filter { $0.entry.variantOf == nil }
        let resident = models.filter { $0.state == .resident }
        let running = models.reduce(0) { $0 + ($1.worker?.runningCount ?? 0) }
        let waiting = models.reduce(0) { $0 + $1.waitingCount + ($1.worker?.waitingCount ?? 0) }
        let isOpen =
            !gateway.asksForKeys && server.addresses.contains { !$0.isLoopback }
        return "\(models.count) models, \(resident.count) resident, \(running) requests running, "
            + "\(waiting) waiting"
            + (configuration.logPrompts.map { "; PROMPTS ARE WRITTEN to \($0)" } ?? "")
            + (isOpen ? "; OPEN to other machines without a key" : "")
    }

    /// What the task hands over to the main thread.
    private final class ExitCode: Sendable {
        private let code = Atomic<Int32>(0)
        var value: Int32 { code.load(ordering: .acquiring) }
        func set(_ value: Int32) { code.store(value, ordering: .releasing) }
    }
}

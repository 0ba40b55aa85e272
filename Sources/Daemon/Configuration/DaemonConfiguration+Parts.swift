import Gateway
import ModelService
import Platform

extension DaemonConfiguration {
    /// What the gateway needs to know.
    var gateway: GatewayConfiguration {
        GatewayConfiguration(
            version: ProductVersion.current,
            apiKeys: apiKeys,
            adminSockets: Set([adminSocket].compactMap(\.self)),
            allowedHosts: allowedHosts,
            allowedOrigins: allowedOrigins
        )
    }

    /// What the model service needs to know; workers get a few of the daemon's `variables`.
    func modelService(variables: [String: String]) -> ModelServiceConfiguration {
        var limits = ModelServiceLimits()
        limits.heartbeatTimeout = workerTimeout
        // Machines may be busy, and disks slow.
        limits.greetingTimeout = workerTimeout * 3
        limits.loadSilenceTimeout = workerTimeout * 6
        limits.residency = residency
        return ModelServiceConfiguration(
            directories: modelDirectories,
            models: models,
            preloaded: preload,
            defaults: modelDefaults,
            workerExecutable: "/proc/self/exe",
            workerArguments: ["worker", "--sandbox", workerSandbox.rawValue],
            workerEnvironment: Self.workerVariables(from: variables),
            weightCache: weightCacheByteCount > 0
                ? (weightCacheDirectory, weightCacheByteCount) : nil,
            memoryByteCount: memory.map { $0.byteCount(ofTotal: MemoryFacts.totalByteCount()) },
            inspectsModels: true,
            limits: limits
        )
    }

    /// A worker gets no keys, no service manager's sockets and no search path.
    ///
    /// Swift's crash reporter hangs on some machines when a worker is killed, so it is off unless
    /// the operator asks for it.
    static func workerVariables(from variables: [String: String]) -> [String: String] {
        let names = ["TORII_ISA", "SWIFT_BACKTRACE", "TZ", "LANG"]
        var result = ["SWIFT_BACKTRACE": "enable=no"]
        for name in names { result[name] = variables[name] ?? result[name] }
        return result
    }
}

import ModelService

/// What differs between the configuration in use and a new one, as keys of the file.
struct ConfigurationChanges: Hashable {
    /// What can change while the daemon runs.
    var applicable: [String] = []
    /// What only a restart changes.
    var needingRestart: [String] = []
}

extension DaemonConfiguration {
    /// What `new` changes.
    func changes(to new: DaemonConfiguration) -> ConfigurationChanges {
        var changes = ConfigurationChanges()
        let applicable: [(DaemonSetting, Bool)] = [
            (.apiKeyFile, apiKeys != new.apiKeys),
            (.allowAnonymous, allowAnonymous != new.allowAnonymous),
            (.allowedHosts, allowedHosts != new.allowedHosts),
            (.allowedOrigins, allowedOrigins != new.allowedOrigins),
            (.drainTimeout, drainTimeout != new.drainTimeout),
            (.logLevel, logLevel != new.logLevel),
            (.models, modelDirectories != new.modelDirectories),
            (.memory, memory != new.memory),
            (.swapMaxWait, residency.maximumSwapWait != new.residency.maximumSwapWait),
            (.minResidence, residency.minimumResidence != new.residency.minimumResidence),
            (.preload, preload != new.preload),
        ]
        changes.applicable = applicable.filter(\.1).map(\.0.key)
        if modelDefaults != new.modelDefaults { changes.applicable.append("models.defaults") }
        for name in Set(models.keys).union(new.models.keys).sorted()
        where models[name] != new.models[name] {
            changes.applicable.append("models.entries.\(name)")
        }
        if listen != new.listen || standardSocket != new.standardSocket {
            changes.needingRestart.append(DaemonSetting.listen.key)
        }
        if keyStore != new.keyStore {
            changes.needingRestart.append(DaemonSetting.keyStore.key)
        }
        if adminSocket != new.adminSocket {
            changes.needingRestart.append(DaemonSetting.adminSocket.key)
        }
        if weightCacheByteCount != new.weightCacheByteCount {
            changes.needingRestart.append(DaemonSetting.weightCache.key)
        }
        if logPrompts != new.logPrompts { changes.needingRestart.append("log_prompts") }
        if workerSandbox != new.workerSandbox {
            changes.needingRestart.append(DaemonSetting.workerSandbox.key)
        }
        if workerTimeout != new.workerTimeout {
            changes.needingRestart.append(DaemonSetting.workerTimeout.key)
        }
        return changes
    }
}

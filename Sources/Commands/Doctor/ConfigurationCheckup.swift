import Daemon

/// What `torii doctor` finds in the configuration, and in the directories that it names.
enum ConfigurationCheckup {
    /// What is to be said about a configuration that can be used.
    static func findings(_ configuration: DaemonConfiguration) -> [Finding] {
        let file = configuration.filePath ?? "no file: defaults, variables and options"
        return [.fine("configuration", file), keys(configuration)]
            + models(configuration.scanForModels())
    }

    /// What is to be said about one that cannot.
    static func findings(_ problems: [ConfigurationProblem]) -> [Finding] {
        problems.map {
            .problem("configuration", "\($0)", "mend it, then ask `torii check-config`")
        }
    }

    private static func keys(_ configuration: DaemonConfiguration) -> Finding {
        if configuration.asksForKeys { return .fine("keys", "every request needs one") }
        guard configuration.allowAnonymous else {
            return .fine("keys", "none, and nobody but this machine may ask")
        }
        return .warning(
            "keys",
            "none, and allow_anonymous lets everybody who reaches the daemon use it",
            "make a key with `torii keys add NAME` if others share the network"
        )
    }

    static func models(_ scan: DaemonConfiguration.ModelScan) -> [Finding] {
        let directories = scan.directories.joined(separator: ", ")
        var findings = scan.warnings.map { warning in
            Finding.warning("models", warning, "see to it, or take it out of models.directories")
        }
        if scan.modelNames.isEmpty {
            findings.append(
                .problem(
                    "models",
                    "none in \(directories)",
                    "copy a *.gguf file there, or name another directory with --models"
                )
            )
        } else {
            let shown = scan.modelNames.prefix(5).joined(separator: ", ")
            let more = scan.modelNames.count > 5 ? " and \(scan.modelNames.count - 5) more" : ""
            findings.append(.fine("models", "\(shown)\(more) in \(directories)"))
        }
        return findings
    }
}

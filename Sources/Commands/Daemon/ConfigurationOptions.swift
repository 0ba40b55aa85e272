import Daemon
import Kernels

/// The options of `serve` and `check-config`, made from the daemon's table of settings.
enum ConfigurationOptions {
    static let configOption = OptionSpecification.value(
        "--config",
        name: "FILE",
        help: "configuration file (JSON with comments)"
    )

    /// Every option, in the order of the help.
    static let all =
        [configOption]
        + DaemonSetting.allCases.map { setting in
            OptionSpecification(
                names: [setting.flag],
                valueName: setting.valueName,
                canRepeat: setting.isList,
                help: setting.help
            )
        }

    /// File, variables and flags.
    ///
    /// A wrong `TORII_ISA` is found here too: no worker could load a model with it.
    static func sources(
        _ arguments: ParsedArguments,
        file: String? = nil,
        in environment: CommandEnvironment
    ) throws(ConfigurationProblem) -> ConfigurationSources {
        do throws(InstructionSetError) {
            _ = try InstructionSet.selected(
                name: environment.variables[InstructionSet.environmentVariable]
            )
        } catch {
            throw ConfigurationProblem(source: "environment", key: "", message: "\(error)")
        }
        var flags: [DaemonSetting: [String]] = [:]
        for setting in DaemonSetting.allCases {
            if setting.valueName == nil {
                if arguments.flag(setting.flag) { flags[setting] = ["true"] }
            } else if let values = arguments.values[setting.flag] {
                flags[setting] = values
            }
        }
        return try ConfigurationSources(
            flags: flags,
            configurationFile: file ?? arguments.string("--config"),
            variables: environment.variables
        )
    }
}

import Daemon
import JSON

/// `torii doctor`: looks at everything the daemon depends on, and says what to mend and how.
enum DoctorCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "doctor",
            summary: "Say what is wrong here and how to mend it",
            discussion: """
                Looks at the machine, the configuration, the model directories and the daemon. Takes the
                options of `torii serve`. Exits with 1 when something keeps the daemon from working,
                with 0 when not, also if something could be better.
                """,
            options: ConfigurationOptions.all + [DaemonClient.hostOption, DaemonClient.jsonOption]
        ),
        run: { arguments, environment in
            var findings = MachineFacts.now(variables: environment.variables).findings
            do {
                let sources = try ConfigurationOptions.sources(arguments, in: environment)
                findings += ConfigurationCheckup.findings(
                    try DaemonConfiguration(checking: sources)
                )
            } catch let error as ConfigurationProblems {
                findings += ConfigurationCheckup.findings(error.problems)
            } catch let error as ConfigurationProblem {
                findings += ConfigurationCheckup.findings([error])
            }
            findings += DaemonCheckup.findings(try DaemonClient(arguments, in: environment))
            if arguments.flag("--json") {
                let list = JSONValue.array(findings.map(\.json))
                environment.terminal.writeLine(JSONValue.object(["findings": list]).serialized())
            } else {
                environment.terminal.write(Finding.report(findings))
            }
            return findings.contains { $0.verdict == .problem } ? 1 : 0
        }
    )
}

import Daemon

/// `torii serve`: the daemon, in the foreground.
enum ServeCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "serve",
            summary: "Run the daemon",
            discussion: """
                Stays in the foreground and logs to standard error. SIGTERM lets running requests
                finish, a second one ends at once; SIGHUP reads the configuration again, as
                `torii reload` does. Every option has a key in the configuration file and a variable
                (TORII_LISTEN for --listen); an option wins over the variable, which wins over the
                file. `torii check-config` checks all of it without starting.
                """,
            options: ConfigurationOptions.all
        ),
        run: { arguments, environment in
            let surroundings = DaemonProcess.Surroundings(variables: environment.variables) {
                try DaemonConfiguration(
                    checking: ConfigurationOptions.sources(arguments, in: environment),
                    inheritsSockets: $0
                )
            }
            return DaemonProcess.run(in: surroundings)
        }
    )
}

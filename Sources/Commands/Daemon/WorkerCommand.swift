import Platform
import Telemetry
import Worker

/// `torii worker`: the process of one model, started by the daemon.
enum WorkerCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "worker",
            summary: "Run one model for the daemon",
            discussion: "The daemon starts it; it has nothing to do for people.",
            options: [
                .value("--sandbox", name: "POLICY", help: "required, available (default) or off")
            ],
            isHidden: true
        ),
        run: { arguments, _ in
            let name = arguments.string("--sandbox") ?? Sandbox.Policy.available.rawValue
            guard let policy = Sandbox.Policy(rawValue: name) else {
                throw UsageError(command: "worker", problem: "--sandbox \(name) is no policy")
            }
            DedicatedThread.nameCurrentThread("torii-worker")
            return Worker.run(sandbox: policy)
        }
    )
}

import Platform
import Telemetry
import Worker

/// `torii worker`: the process of one model, started by the daemon.
enum WorkerCommand {
    /// The descriptor on which the daemon hands over its end of the socket pair.
    private static let socket: Int32 = 3

    static let command = Command(
        specification: CommandSpecification(
            name: "worker",
            summary: "Run one model for the daemon",
            discussion: "The daemon starts it; it has nothing to do for people.",
            isHidden: true
        ),
        run: { _, _ in
            DedicatedThread.nameCurrentThread("torii-worker")
            return Worker.run(descriptor: socket)
        }
    )
}

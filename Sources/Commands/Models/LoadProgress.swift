import JSON
import Platform
import Synchronization

/// Shows on the terminal how far a model's load is, while another thread waits for its end.
final class LoadProgress: Sendable {
    private let thread: DedicatedThread
    private let hasEnded: Ending

    private static let interval = Duration.milliseconds(200)

    private final class Ending: Sendable {
        let hasCome = Atomic(false)
        let wakeUp: WakeUp

        init() throws(SystemError) { wakeUp = try WakeUp() }
    }

    /// Begins to ask for the model at `path` of the admin API.
    init(of path: String, client: DaemonClient, terminal: Terminal) throws {
        let hasEnded = try Ending()
        self.hasEnded = hasEnded
        thread = try DedicatedThread(name: "torii-progress") {
            while !hasEnded.hasCome.load(ordering: .acquiring) {
                // What goes wrong here is the waiting thread's to tell.
                if let json = try? client.get(path) {
                    terminal.showProgress(Self.text(ModelObject(json: json)))
                }
                hasEnded.wakeUp.wait(until: .now().advanced(by: Self.interval))
            }
            terminal.clearProgress()
        }
    }

    /// Removes the line from the terminal; nothing is shown afterwards.
    func end() {
        hasEnded.hasCome.store(true, ordering: .releasing)
        hasEnded.wakeUp.signal()
        thread.join()
    }

    /// The line for a model's present state.
    static func text(_ model: ModelObject) -> String {
        switch model.json["state"]?.stringValue {
        case "waiting": "\(model.id): waiting for memory"
        case "draining": "\(model.id): finishing its requests"
        default: "\(model.id): \(model.state)"
        }
    }
}

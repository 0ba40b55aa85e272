package import Platform
import Synchronization
package import WorkerProtocol

/// The way into the engine thread, and its counters on the way out.
///
/// Safe from any thread; a lock is held for a few stores. Bounded: requests beyond the limit
/// are refused until the engine has taken what is there.
package final class EngineMailbox: Sendable {
    /// What the engine shall do between two steps.
    package enum Command: Sendable {
        /// Take a generation.
        case submit(Generation)
        /// Take an embedding.
        case embed(Embedding)
        /// End a generation or an embedding.
        case cancel(UInt64)
        /// Use that much more memory for keys and values; 0 if there is none.
        case grantMemory(byteCount: Int)
        /// Return all memory that is only kept for later prompts.
        case releaseMemory
    }

    private struct State {
        var commands: [Command] = []
        var submissionCount = 0
        var isStopped = false
        var status = WorkerStatus()
    }

    private let state = Mutex(State())
    private let wakeUp: WakeUp
    private let maximumSubmissionCount: Int

    /// Makes an empty mailbox.
    ///
    /// - Parameter maximumSubmissionCount: Generations and embeddings that may lie in it.
    /// - Throws: EMFILE or ENFILE.
    package init(maximumSubmissionCount: Int) throws(SystemError) {
        self.maximumSubmissionCount = maximumSubmissionCount
        wakeUp = try WakeUp()
    }

    /// Leaves a generation for the engine.
    ///
    /// - Returns: Whether there was room.
    package func submit(_ generation: Generation) -> Bool { submit(.submit(generation)) }

    /// Leaves an embedding for the engine.
    ///
    /// - Returns: Whether there was room.
    package func submit(_ embedding: Embedding) -> Bool { submit(.embed(embedding)) }

    private func submit(_ command: Command) -> Bool {
        let isTaken = state.withLock { state in
            guard state.submissionCount < maximumSubmissionCount else { return false }
            state.submissionCount += 1
            state.commands.append(command)
            return true
        }
        if isTaken { wakeUp.signal() }
        return isTaken
    }

    /// Asks for the end of a generation or an embedding.
    package func cancel(_ id: UInt64) {
        state.withLock { $0.commands.append(.cancel(id)) }
        wakeUp.signal()
    }

    /// Passes the answer to a wish for memory on.
    package func grantMemory(byteCount: Int) {
        state.withLock { $0.commands.append(.grantMemory(byteCount: byteCount)) }
        wakeUp.signal()
    }

    /// Passes on that others need memory.
    package func releaseMemory() {
        state.withLock { $0.commands.append(.releaseMemory) }
        wakeUp.signal()
    }

    /// Asks the engine's loop to return after the running step.
    package func stop() {
        state.withLock { $0.isStopped = true }
        wakeUp.signal()
    }

    /// The counters after the last step.
    package var status: WorkerStatus { state.withLock { $0.status } }

    func publish(_ status: WorkerStatus) {
        state.withLock { $0.status = status }
    }

    /// How long ``take(_:)`` sleeps in the kernel if there is nothing.
    enum Patience: Sendable, Hashable {
        case none
        case until(MonotonicInstant)
        case forever
    }

    /// Takes everything that is there.
    ///
    /// - Returns: nil when the loop shall return.
    func take(_ patience: Patience) -> [Command]? {
        while true {
            // Before the look, so that what comes after it wakes the next wait.
            wakeUp.reset()
            let (commands, isStopped) = state.withLock { state in
                defer {
                    state.commands = []
                    state.submissionCount = 0
                }
                return (state.commands, state.isStopped)
            }
            if isStopped { return nil }
            if !commands.isEmpty { return commands }
            switch patience {
            case .none: return commands
            case .until(let deadline):
                if MonotonicInstant.now() >= deadline { return commands }
                wakeUp.wait(until: deadline)
            case .forever: wakeUp.wait(until: nil)
            }
        }
    }
}

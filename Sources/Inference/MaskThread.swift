package import Platform
import Synchronization

/// Finds masks of grammars while the forward pass runs: what may follow a token that was chosen
/// depends on the tokens only, so it can be known before the logits are.
///
/// Only masks that aren't known yet come here, a few of each output; what the thread finds is kept by
/// the grammar, where the choice of the next token takes it. Choosing waits for nothing but the mask
/// it needs, and finds the same without this. Safe from any thread.
package final class MaskThread: Sendable {
    private struct State {
        var outputs: [ConstrainedOutput] = []
        var isStopped = false
    }

    private let state = Mutex(State())
    private let wakeUp: WakeUp

    /// Starts the thread; it ends with `stop`.
    ///
    /// - Throws: EMFILE, ENFILE or EAGAIN.
    package init() throws(SystemError) {
        wakeUp = try WakeUp()
        _ = try DedicatedThread(name: "masks") { [self] in run() }
    }

    /// Lets the thread end after the mask it is at.
    package func stop() {
        state.withLock { $0.isStopped = true }
        wakeUp.signal()
    }

    /// Finds the masks of some outputs; what was asked for before and isn't done is forgotten.
    func prepare(_ outputs: [ConstrainedOutput]) {
        guard !outputs.isEmpty else { return }
        state.withLock { $0.outputs = outputs }
        wakeUp.signal()
    }

    private func run() {
        while true {
            wakeUp.reset()
            let (next, isStopped) = state.withLock { ($0.outputs.popLast(), $0.isStopped) }
            if isStopped { return }
            if let next { next.prepare() } else { wakeUp.wait(until: nil) }
        }
    }
}

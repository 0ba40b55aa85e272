import Platform

/// The engine thread's loop: take commands, plan, compute, sample, emit.
///
/// Confined to the engine thread. It sleeps while there is nothing to do, and it never waits for
/// a consumer: `emit` must only hand over.
package final class EngineLoop {
    private let engine: Engine
    private let pass: any ForwardPass
    private let mailbox: EngineMailbox
    private let emit: ([EngineEmission]) -> Void

    /// Makes a loop.
    ///
    /// - Parameters:
    ///   - engine: The sequences.
    ///   - pass: The model.
    ///   - mailbox: Where commands come from.
    ///   - emit: Called on this thread with all events of a step at once; must not block.
    package init(
        engine: Engine,
        pass: any ForwardPass,
        mailbox: EngineMailbox,
        emit: @escaping ([EngineEmission]) -> Void
    ) {
        self.engine = engine
        self.pass = pass
        self.mailbox = mailbox
        self.emit = emit
    }

    /// Runs until the mailbox is stopped.
    package func run() {
        while let commands = mailbox.take(waits: engine.isIdle) {
            let now = MonotonicInstant.now()
            for command in commands {
                switch command {
                case .submit(let generation): engine.submit(generation, now: now)
                case .cancel(let id): engine.cancel(id, now: now)
                }
            }
            hand()
            if let batch = engine.beginStep(now: .now()) {
                pass.forward(batch)
                engine.completeStep(pass, now: .now())
            }
            mailbox.publish(engine.status)
            hand()
        }
    }

    private func hand() {
        let emissions = engine.takeEmissions()
        if !emissions.isEmpty { emit(emissions) }
    }
}

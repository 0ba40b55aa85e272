import KVCache
import Platform

/// The engine thread's loop: take commands, plan, compute, sample, emit.
///
/// Confined to the engine thread. It sleeps while there is nothing to do, and it never waits for
/// a consumer: what it calls must only hand over.
package final class EngineLoop {
    private let engine: Engine
    private let pass: any ForwardPass
    private let mailbox: EngineMailbox
    private let emit: ([EngineEmission]) -> Void
    private let moveMemory: (MemoryMove) -> Void

    /// Makes a loop.
    ///
    /// - Parameters:
    ///   - engine: The sequences.
    ///   - pass: The model.
    ///   - mailbox: Where commands come from.
    ///   - moveMemory: Called on this thread with wishes for memory and with what is returned.
    ///   - emit: Called on this thread with all events of a step at once; must not block.
    package init(
        engine: Engine,
        pass: any ForwardPass,
        mailbox: EngineMailbox,
        moveMemory: @escaping (MemoryMove) -> Void = { _ in },
        emit: @escaping ([EngineEmission]) -> Void
    ) {
        self.engine = engine
        self.pass = pass
        self.mailbox = mailbox
        self.moveMemory = moveMemory
        self.emit = emit
    }

    /// Runs until the mailbox is stopped.
    package func run() {
        var patience = EngineMailbox.Patience.forever
        while let commands = mailbox.take(patience) {
            let now = MonotonicInstant.now()
            for command in commands {
                switch command {
                case .submit(let generation): engine.submit(generation, now: now)
                case .cancel(let id): engine.cancel(id, now: now)
                case .grantMemory(let byteCount): engine.grantMemory(byteCount, now: now)
                case .releaseMemory: engine.releaseMemory()
                }
            }
            handOver()
            let hasComputed = step()
            for move in engine.memoryMoves(now: .now()) {
                if case .emptied(let blocks) = move { pass.releaseMemory(ofBlocks: blocks) }
                moveMemory(move)
            }
            mailbox.publish(engine.status)
            handOver()
            patience = hasComputed ? .none : engine.nextWakeUp.map { .until($0) } ?? .forever
        }
    }

    private func step() -> Bool {
        guard let step = engine.beginStep(now: .now()) else { return false }
        handOver()
        for copy in step.copies { pass.copyBlock(from: copy.source, to: copy.destination) }
        pass.forward(step.batch)
        engine.completeStep(pass, clock: MonotonicInstant.now)
        return true
    }

    private func handOver() {
        let emissions = engine.takeEmissions()
        if !emissions.isEmpty { emit(emissions) }
    }
}

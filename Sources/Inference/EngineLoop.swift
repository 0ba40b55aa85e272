package import ComputeTurns
import KVCache
import Platform
import WorkerProtocol

/// The engine thread's loop: take commands, plan, compute, sample, emit.
///
/// Confined to the engine thread. It sleeps while there is nothing to do, and it never waits for
/// a consumer: what it calls must only hand over.
package final class EngineLoop {
    private let engine: Engine
    private let pass: any ForwardPass
    private let mailbox: EngineMailbox
    private let turn: ComputeTurn?
    private let masks: MaskThread?
    private let emit: ([EngineEmission]) -> Void
    private let moveMemory: (MemoryMove) -> Void

    /// Makes a loop.
    ///
    /// - Parameters:
    ///   - engine: The sequences.
    ///   - pass: The model.
    ///   - mailbox: Where commands come from.
    ///   - turn: Taken for every step; nil to compute at any time.
    ///   - masks: Finds masks during forward passes; nil to find them afterwards.
    ///   - moveMemory: Called on this thread with wishes for memory and with what is returned.
    ///   - emit: Called on this thread with all events of a step at once; must not block.
    package init(
        engine: Engine,
        pass: any ForwardPass,
        mailbox: EngineMailbox,
        turn: ComputeTurn? = nil,
        masks: MaskThread? = nil,
        moveMemory: @escaping (MemoryMove) -> Void = { _ in },
        emit: @escaping ([EngineEmission]) -> Void
    ) {
        self.engine = engine
        self.pass = pass
        self.mailbox = mailbox
        self.turn = turn
        self.masks = masks
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
                case .embed(let embedding): engine.submit(embedding, now: now)
                case .cancel(let id): engine.cancel(id, now: now)
                case .grantMemory(let byteCount): engine.grantMemory(byteCount, now: now)
                case .releaseMemory: engine.releaseMemory()
                }
            }
            handOver()
            if !engine.isIdle, let turn, turn.take(clock: MonotonicInstant.now) {
                // Requests may have come and gone meanwhile.
                patience = .none
                continue
            }
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
        let started = MonotonicInstant.now()
        guard let step = engine.beginStep(now: started) else {
            turn?.release()
            return false
        }
        handOver()
        for copy in step.copies { pass.copyBlock(from: copy.source, to: copy.destination) }
        masks?.prepare(engine.unpreparedOutputs)
        pass.forward(step.batch)
        engine.completeStep(pass, clock: MonotonicInstant.now)
        turn?.stepped(duration: MonotonicInstant.now().duration(since: started))
        return true
    }

    private func handOver() {
        let emissions = engine.takeEmissions()
        if !emissions.isEmpty { emit(emissions) }
    }
}

package import ComputeTurns
package import Platform

/// What a worker finds out about the machine and about itself before it locks itself in, because it
/// could not ask afterwards.
package struct WorkerSurroundings: Sendable {
    /// Cores that its threads can have at the same time.
    package var coreCount: Int
    /// Memory that can be had without pushing others out, in bytes.
    package var availableByteCount: Int
    /// How it is locked in.
    package var sandbox: Sandbox.State
    /// Who computes when; nil if it computes at any time.
    package var turns: TurnTable?

    /// Looks around; nothing is locked in yet.
    package static func now() -> WorkerSurroundings {
        WorkerSurroundings(
            coreCount: ProcessorFacts.usableCoreCount(),
            availableByteCount: MemoryFacts.availableByteCount(),
            sandbox: .none,
            turns: nil
        )
    }
}

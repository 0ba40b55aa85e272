import Inference
import Platform
import Synchronization
import Transformers
import WorkerProtocol

/// The adapters that requests can ask for, and how they come and go while the model runs.
///
/// Safe from any thread. An adapter that is replaced or detached lives on in the requests that use it;
/// its memory is returned when the last of them has ended.
final class AdapterShelf: Sendable {
    private struct State {
        var adapters: [String: Result<AttachedAdapter, GenerationFailure>] = [:]
        var lastNumber: UInt64
        /// Whether the engine's scratch memory for adapters is accounted for.
        var hasScratch: Bool
        var reservations: [UInt64: Reservation] = [:]
    }

    /// The gateway's answer to what an adapter takes.
    private final class Reservation: Sendable {
        private let answer = Mutex<Bool?>(nil)
        private let wakeUp: WakeUp

        init() throws(SystemError) { wakeUp = try WakeUp() }

        func resolve(_ isGranted: Bool) {
            answer.withLock { $0 = isGranted }
            wakeUp.signal()
        }

        /// Blocks without end: the process ends when the gateway hangs up instead.
        func wait() -> Bool {
            while true {
                if let isGranted = answer.withLock({ $0 }) { return isGranted }
                wakeUp.wait(until: nil)
            }
        }
    }

    private let state: Mutex<State>
    /// Held by the thread that attaches: one at a time.
    private let turn = Mutex(())
    private let targets: AdapterTargets
    private let scratchByteCount: Int
    private let outbox: Outbox

    /// A shelf with the adapters that came with the model.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - outbox: Where answers go, and returned memory.
    init(_ model: LoadedModel, outbox: Outbox) {
        targets = model.adapterTargets
        scratchByteCount = model.adapterScratchByteCount
        self.outbox = outbox
        let outcomes = model.adapters.load { outbox.send(.memoryReturned(byteCount: $0)) }
        facts = outcomes.map(\.facts)
        state = Mutex(
            State(
                adapters: Dictionary(
                    outcomes.map { ($0.facts.name, $0.adapter) },
                    uniquingKeysWith: { $1 }
                ),
                lastNumber: UInt64(outcomes.count),
                hasScratch: !model.adapters.isEmpty
            )
        )
    }

    /// What is known of the adapters that came with the model.
    let facts: [AdapterFacts]

    /// The adapter that a request asks for.
    ///
    /// - Throws: `GenerationFailure` if there is none of the name, or why it cannot be used.
    func adapter(named name: String) throws(GenerationFailure) -> AttachedAdapter {
        let (adapter, names) = state.withLock { ($0.adapters[name], $0.adapters.keys.sorted()) }
        guard let adapter else {
            throw GenerationFailure(
                kind: .unknownAdapter,
                message: "This model has no adapter '\(name.prefix(256))'; it has "
                    + (names.isEmpty ? "none." : names.joined(separator: ", ") + ".")
            )
        }
        return try adapter.get()
    }

    /// Takes an adapter, on a thread of its own; the outbox gets the answer.
    func attach(id: UInt64, _ file: AdapterFile) {
        do {
            _ = try DedicatedThread(name: "adapter") { [self] in
                turn.withLock { _ in
                    do throws(GenerationFailure) {
                        let facts = try attachNow(id: id, file)
                        outbox.send(.adapterAttached(id: id, facts))
                    } catch {
                        outbox.send(.requestFailed(id: id, error))
                    }
                }
            }
        } catch {
            file.close()
            outbox.send(.requestFailed(id: id, Self.failure("\(error)")))
        }
    }

    /// Passes on whether the memory that was asked for is there.
    func reserved(id: UInt64, isGranted: Bool) {
        state.withLock { $0.reservations.removeValue(forKey: id) }?.resolve(isGranted)
    }

    /// Gives the adapter to no further request.
    func detach(_ name: String) {
        // What was removed ends outside the lock: its end sends a message.
        let removed = state.withLock { $0.adapters.removeValue(forKey: name) }
        withExtendedLifetime(removed) {}
    }

    private func attachNow(
        id: UInt64,
        _ file: AdapterFile
    ) throws(GenerationFailure) -> AdapterFacts {
        let plan = try file.plan(for: targets)
        try reserve(id: id, byteCount: plan.byteCount)
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let outbox = outbox
        let byteCount = plan.byteCount
        let adapter: AttachedAdapter
        do throws(GenerationFailure) {
            adapter = try file.load(plan, number: number) {
                outbox.send(.memoryReturned(byteCount: byteCount))
            }
        } catch {
            outbox.send(.memoryReturned(byteCount: byteCount))
            throw error
        }
        let replaced = state.withLock { state in
            defer { state.adapters[file.source.name] = .success(adapter) }
            return state.adapters[file.source.name]
        }
        withExtendedLifetime(replaced) {}
        return AdapterFacts(name: file.source.name, byteCount: byteCount, rank: plan.rank)
    }

    /// Waits until the gateway has the memory for an adapter, and for the scratch memory that the first
    /// one makes the engine use.
    private func reserve(id: UInt64, byteCount: Int) throws(GenerationFailure) {
        let reservation: Reservation
        do throws(SystemError) {
            reservation = try Reservation()
        } catch {
            throw Self.failure("\(error)")
        }
        let needed = state.withLock { state in
            state.reservations[id] = reservation
            return byteCount + (state.hasScratch ? 0 : scratchByteCount)
        }
        outbox.send(.adapterSized(id: id, byteCount: needed))
        guard reservation.wait() else {
            throw GenerationFailure(
                kind: .insufficientMemory,
                message: "The adapter needs \(needed) bytes, which are not there: unload a model, "
                    + "detach another adapter, or raise the memory budget."
            )
        }
        state.withLock { $0.hasScratch = true }
    }

    private static func failure(_ reason: String) -> GenerationFailure {
        GenerationFailure(
            kind: .internalFailure,
            message: "The adapter cannot be attached: \(reason)."
        )
    }
}

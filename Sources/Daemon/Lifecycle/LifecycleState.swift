import Glibc

/// What the daemon does about events; pure.
///
/// | state | SIGTERM, SIGINT | SIGHUP | tick | drained |
/// | --- | --- | --- | --- | --- |
/// | running | drain; → draining | reload | report | – |
/// | draining | end at once, code 1 | – | extend | end, code 0 |
struct LifecycleState: Equatable {
    enum Action: Equatable {
        case none
        /// Stop accepting, let requests finish, stop the workers, then post `drained`.
        case drain
        /// Read the configuration again.
        case reload
        /// Prove that the daemon is alive and say how it is.
        case report
        /// Ask the service manager for more time.
        case extend
        /// Leave with this code.
        case end(code: Int32)
    }

    private var isDraining = false

    mutating func received(_ event: DaemonEvent) -> Action {
        switch event {
        case .signal(SIGHUP): return isDraining ? .none : .reload
        case .signal(SIGTERM), .signal(SIGINT):
            guard !isDraining else { return .end(code: 1) }
            isDraining = true
            return .drain
        case .signal: return .none
        case .tick: return isDraining ? .extend : .report
        case .drained: return isDraining ? .end(code: 0) : .none
        }
    }
}

import Synchronization

/// How many connections a server has and has had.
///
/// Safe from any thread; each change is one atomic addition.
package final class ConnectionCounter: Sendable {
    private let open = Atomic<Int>(0)
    private let accepted = Atomic<Int>(0)

    /// A counter for one server, or for several together.
    package init() {}

    /// Connections that are open now, those that are being refused included.
    package var openCount: Int { open.load(ordering: .relaxed) }

    /// Connections accepted since the start.
    package var acceptedTotal: Int { accepted.load(ordering: .relaxed) }

    func opened() {
        open.add(1, ordering: .relaxed)
        accepted.add(1, ordering: .relaxed)
    }

    func closed() { open.subtract(1, ordering: .relaxed) }
}

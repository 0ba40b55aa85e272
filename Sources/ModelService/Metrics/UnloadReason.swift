/// Why a worker was asked to end, and with it its model leaves memory.
package enum UnloadReason: String, Sendable, Hashable, CaseIterable {
    /// An operator asked for it.
    case request
    /// Nobody had used the model for as long as it is kept.
    case idle
    /// Another model needed the memory.
    case evicted
    /// The machine ran short of memory.
    case pressure
    /// Its file or its settings changed.
    case changed
    /// The daemon ends.
    case shutdown
}

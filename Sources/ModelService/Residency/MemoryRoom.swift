/// How much memory further models may take now, and which limit says so.
package struct MemoryRoom: Sendable, Hashable {
    /// What bounds the room.
    package enum Limit: Sendable, Hashable {
        /// What the configuration, or the machine at the daemon's start, gives all models together.
        case budget
        /// What the machine, or the process's control group, has left at the moment.
        case machine
    }

    /// Bytes; negative if more is taken than there should be.
    package let byteCount: Int
    /// What bounds them.
    package let limit: Limit

    /// The lesser of what the budget and the machine leave.
    ///
    /// - Parameters:
    ///   - budget: Bytes for all models together.
    ///   - held: Bytes that models hold by the ledger.
    ///   - available: Bytes that the machine has left.
    ///   - reserve: Bytes of them that are not for models.
    ///   - uncommitted: Bytes that models hold by the ledger but have not touched yet.
    package init(budget: Int, held: Int, available: Int, reserve: Int, uncommitted: Int) {
        let ofBudget = budget.subtractingReportingOverflow(held)
        let budgetRoom = ofBudget.overflow ? Int.min / 2 : ofBudget.partialValue
        let machineRoom = available - reserve - min(uncommitted, Int.max / 4)
        byteCount = min(budgetRoom, machineRoom)
        limit = budgetRoom <= machineRoom ? .budget : .machine
    }

    /// Room that is known otherwise.
    package init(byteCount: Int, limit: Limit) {
        self.byteCount = byteCount
        self.limit = limit
    }
}

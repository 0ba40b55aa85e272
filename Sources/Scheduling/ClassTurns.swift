import Platform
import WorkerProtocol

/// Since when each class has waited without anybody of it being admitted.
///
/// Keeps urgent classes from shutting the others out for good: a class that waited for an interval
/// has its turn with the most urgent one.
struct ClassTurns: Sendable {
    private var waitingSince: [PriorityClass: MonotonicInstant] = [:]

    /// Says which classes have somebody waiting.
    mutating func note(waiting classes: Set<PriorityClass>, now: MonotonicInstant) {
        for priority in PriorityClass.allCases {
            if !classes.contains(priority) {
                waitingSince[priority] = nil
            } else if waitingSince[priority] == nil {
                waitingSince[priority] = now
            }
        }
    }

    /// Says that somebody of a class was admitted.
    mutating func served(_ priority: PriorityClass, now: MonotonicInstant) {
        waitingSince[priority] = now
    }

    /// Whether a class has waited for an interval.
    func isDue(
        _ priority: PriorityClass,
        now: MonotonicInstant,
        interval: Duration
    ) -> Bool {
        waitingSince[priority].map { now.duration(since: $0) >= interval } ?? false
    }
}

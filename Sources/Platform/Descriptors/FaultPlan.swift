import Synchronization

/// Has the n-th step of what a test runs fail as a system call would; there is none outside tests.
///
/// Code that must survive a failing disk calls `pass` before each step. A test runs it under a plan
/// for n = 1, 2, … until the plan no longer strikes. Outside tests a step costs one atomic load.
package final class FaultPlan: Sendable {
    /// The plan of the task that runs, nil outside tests.
    @TaskLocal package static var current: FaultPlan?

    /// How many plans there are.
    private static let planCount = Atomic(0)

    private let remaining: Atomic<Int>
    private let code: Int32
    private let path: String?

    /// A plan in which step `number` (1 is the first) fails with the errno value `code`.
    ///
    /// With a `path` only steps on that file count.
    package init(failing number: Int, code: Int32, path: String? = nil) {
        remaining = Atomic(number)
        self.code = code
        self.path = path
        Self.planCount.add(1, ordering: .relaxed)
    }

    deinit { Self.planCount.subtract(1, ordering: .relaxed) }

    /// Whether the step has come.
    package var hasStruck: Bool { remaining.load(ordering: .relaxed) <= 0 }

    /// Goes past one step of the work, a system call `call`; throws if the plan says so.
    package static func pass(_ call: String, path: String? = nil) throws(SystemError) {
        guard planCount.load(ordering: .relaxed) > 0, let plan = current,
            plan.path == nil || plan.path == path
        else { return }
        let left = plan.remaining.subtract(1, ordering: .relaxed).newValue
        if left == 0 { throw SystemError(call: call, code: plan.code, path: path) }
    }
}

import CLinux

/// Locks a process in before it reads what strangers wrote.
///
/// Afterwards it computes with the memory, the threads and the open descriptors that it has: it opens
/// no files and no sockets, starts no programs, and signals nobody else. The lock has two halves which
/// the kernel enforces each for itself: Landlock denies what can be done with paths, ports and other
/// processes; seccomp leaves only the system calls that computing takes and answers the others with
/// EPERM. It answers and does not kill, because libraries try calls that they can do without. Neither
/// half can be taken off again, and no program started from here could have more rights (no_new_privs).
package enum Sandbox {
    /// What is done about a kernel that lacks a half.
    package enum Policy: String, Sendable, Hashable, CaseIterable {
        /// Both halves, or no work.
        case required
        /// The halves that there are.
        case available
        /// No lock.
        case off
    }

    /// One of the two locks.
    package enum Half: String, Sendable, Hashable, CaseIterable {
        case landlock, seccomp

        /// Whether the kernel offers it; nothing is put in force.
        package var isOffered: Bool {
            switch self {
            case .landlock: torii_landlock_is_offered()
            case .seccomp: torii_seccomp_is_offered()
            }
        }
    }

    /// Which halves are in force.
    package struct State: Sendable, Hashable, CustomStringConvertible {
        /// In the order in which they were locked.
        package var active: [Half] = []
        /// Why the others are not; empty if nobody tried.
        package var problems: [SystemError] = []

        /// Nothing is in force, and nothing was tried.
        package static let none = State()

        /// `landlock+seccomp`, one of the two, or `none`.
        package var description: String {
            active.isEmpty ? "none" : active.map(\.rawValue).joined(separator: "+")
        }
    }

    /// A half that is required and cannot be had.
    package struct Incomplete: Error, CustomStringConvertible {
        /// What there is, and what went wrong.
        package let state: State

        package var description: String {
            let reasons = state.problems.map(\.description).joined(separator: ", ")
            return "the sandbox is required and not complete (\(reasons)); use a kernel that has "
                + "it, or set worker_sandbox to available"
        }
    }

    /// Locks the process in, for good.
    ///
    /// Call it on the main thread before other threads start: Landlock holds for the calling thread
    /// and those that it starts.
    ///
    /// - Returns: The halves that are in force now.
    /// - Throws: `Incomplete`, only under the policy `required`.
    package static func lock(_ policy: Policy) throws(Incomplete) -> State {
        var state = State.none
        guard policy != .off else { return state }
        for half in Half.allCases {
            do throws(SystemError) {
                try lock(half)
                state.active.append(half)
            } catch {
                state.problems.append(error)
            }
        }
        if policy == .required, !state.problems.isEmpty { throw Incomplete(state: state) }
        return state
    }

    /// Puts one half in force.
    static func lock(_ half: Half) throws(SystemError) {
        guard torii_set_no_new_privileges() == 0 else { throw .last("prctl") }
        let result =
            switch half {
            case .landlock: torii_landlock_deny_everything()
            case .seccomp: torii_seccomp_confine()
            }
        if result != 0 { throw .last(half.rawValue) }
    }

    /// Keeps the process's memory, and what people wrote with it, out of core files.
    package static func forbidCoreFiles() { _ = torii_forbid_core_files() }
}

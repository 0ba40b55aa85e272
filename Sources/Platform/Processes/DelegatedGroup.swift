import CLinux
import Glibc

/// A part of the control group tree (cgroups(7), version 2) that this process may divide: a group for
/// itself, and one with a memory limit for each child.
///
/// When a child exceeds its limit, or the machine's memory ends and the child is chosen, the kernel
/// kills that child and nobody else. Only a group that a service manager has handed over is divided
/// (systemd's `Delegate=` leaves a mark on it): whatever else lives in the tree is not ours to move.
///
/// Safe from any thread.
package final class DelegatedGroup: Sendable {
    /// The directory of the group that is divided.
    package let directory: String

    /// Why there is no group to divide; nothing is wrong with the process.
    package struct Unavailable: Error, Hashable, CustomStringConvertible {
        /// What a log may say.
        package let description: String

        init(_ description: String) {
            self.description = description
        }
    }

    /// The part that the process itself moves into.
    static let ownName = "gateway"

    /// Divides the group that this process is in, and moves the process into a group below it: a group
    /// with limits for those below may have no processes of its own.
    ///
    /// - Parameters:
    ///   - root: Where the tree is mounted.
    ///   - membership: The text of `/proc/self/cgroup`.
    ///   - isDelegated: Whether the group in a directory was handed over.
    /// - Throws: Why it cannot be divided; the process is where it was then.
    package init(
        root: String = "/sys/fs/cgroup",
        membership: String? = try? Files.text(of: "/proc/self/cgroup"),
        isDelegated: (String) -> Bool = DelegatedGroup.isMarked
    ) throws(Unavailable) {
        guard let path = membership.flatMap(ControlGroup.path(membership:)) else {
            throw Unavailable("there are no control groups of version 2")
        }
        directory = root + path
        guard isDelegated(directory) else {
            throw Unavailable("the service manager has not delegated \(directory)")
        }
        let controllers = (try? Files.text(of: "\(directory)/cgroup.controllers")) ?? ""
        guard controllers.split(whereSeparator: { " \n".contains($0) }).contains("memory") else {
            throw Unavailable("\(directory) has no memory controller")
        }
        do throws(SystemError) {
            let own = try ChildGroup(directory: "\(directory)/\(Self.ownName)")
            try own.add(pid: getpid())
            do throws(SystemError) {
                try Files.write("+memory", to: "\(directory)/cgroup.subtree_control")
            } catch {
                // Something else is in the group and keeps it from being divided.
                try? Files.write("\(getpid())", to: "\(directory)/cgroup.procs")
                own.remove()
                throw error
            }
        } catch {
            throw Unavailable("\(error)")
        }
    }

    /// Makes a group for one child, whose processes the kernel kills together.
    ///
    /// - Parameter name: A file name; also that of an earlier group that was left behind.
    /// - Returns: An empty group without a limit.
    /// - Throws: What the system refused.
    package func makeChild(name: String) throws(SystemError) -> ChildGroup {
        let child = try ChildGroup(directory: "\(directory)/\(name)")
        try Files.write("1", to: "\(child.directory)/memory.oom.group")
        return child
    }

    /// Whether systemd has marked the group as handed over, with the attribute that its document
    /// "Control Group APIs and Delegation" names.
    package static func isMarked(directory: String) -> Bool {
        // Safety: the string outlives the call as a NUL-terminated copy.
        unsafe torii_is_delegated(directory)
    }
}

/// The control group of one child.
///
/// Safe from any thread.
package final class ChildGroup: Sendable {
    let directory: String

    init(directory: String) throws(SystemError) {
        // Safety: the string outlives the call as a NUL-terminated copy.
        guard unsafe mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw .last("mkdir", path: directory)
        }
        self.directory = directory
    }

    /// Moves a process into the group; its memory counts here from now on.
    package func add(pid: Int32) throws(SystemError) {
        try Files.write("\(pid)", to: "\(directory)/cgroup.procs")
    }

    /// Bounds the memory of the group.
    package func limitMemory(byteCount: Int) throws(SystemError) {
        try Files.write("\(max(0, byteCount))", to: "\(directory)/memory.max")
    }

    /// Whether the kernel has killed in the group because memory had ended.
    package var hasRunOutOfMemory: Bool {
        let events = (try? Files.text(of: "\(directory)/memory.events")) ?? ""
        return events.split(separator: "\n").contains { line in
            let words = line.split(separator: " ")
            return words.count == 2 && words[0] == "oom_kill" && words[1] != "0"
        }
    }

    /// Gives the group up once its processes are gone.
    package func remove() {
        // Safety: the string outlives the call as a NUL-terminated copy. A group that is not empty
        // stays; the service manager removes it with the service.
        _ = unsafe rmdir(directory)
    }
}

/// The control groups (cgroup version 2) that this process belongs to.
///
/// Limits hold on every level: a service has its own group, and so may a slice above it.
enum ControlGroup {
    /// The text of the file called `name` in each group that has it, from the process's own group
    /// up to the root; empty without cgroups.
    static func texts(of name: String) -> [String] {
        directories().compactMap { try? Files.text(of: "\($0)/\(name)") }
    }

    /// The groups' directories, from the process's own group up to the root.
    static func directories() -> [String] {
        guard let membership = try? Files.text(of: "/proc/self/cgroup"),
            let path = path(membership: membership)
        else { return [] }
        return ancestry(of: path).map { "/sys/fs/cgroup\($0)" }
    }

    /// The directory of the group that holds this process and all that it has started; nil without
    /// cgroups.
    static func commonDirectory() -> String? {
        (try? Files.text(of: "/proc/self/cgroup")).flatMap(path(membership:)).map {
            "/sys/fs/cgroup" + common(to: $0)
        }
    }

    /// Of a process that has divided its group and sits in a part of it, the whole; of any other its
    /// own.
    static func common(to path: String) -> String {
        let own = "/" + DelegatedGroup.ownName
        return path.hasSuffix(own) ? String(path.dropLast(own.count)) : path
    }

    /// `/a/b`, `/a` and the empty path of the root.
    static func ancestry(of path: String) -> [String] {
        var paths = [path]
        var rest = path
        while let slash = rest.lastIndex(of: "/") {
            rest = String(rest[..<slash])
            paths.append(rest)
        }
        return paths
    }

    /// The path of the version 2 hierarchy in the text of `/proc/self/cgroup` (cgroups(7)), without
    /// a slash at its end.
    static func path(membership: String) -> String? {
        for line in membership.split(separator: "\n") where line.hasPrefix("0::") {
            let path = line.dropFirst(3)
            return path == "/" ? "" : String(path)
        }
        return nil
    }
}

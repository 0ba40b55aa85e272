import Foundation
import Glibc
import TestSupport
import Testing

@testable import Platform

/// The control group tree as plain files: what is written where, in which case.
@Suite(.timeLimit(.minutes(15)))
struct DelegatedGroupTests {
    private static let service = "/system.slice/torii.service"

    /// A tree with the files that the kernel would put into each group.
    private struct Tree {
        let directory: TemporaryDirectory
        var root: String { directory.path }

        init(controllers: String = "cpu memory pids\n") throws {
            directory = try TemporaryDirectory()
            let files = ["cgroup.procs": "", "cgroup.subtree_control": ""]
            try add(service, files.merging(["cgroup.controllers": controllers]) { $1 })
            try add(service + "/gateway", ["cgroup.procs": ""])
        }

        func add(_ group: String, _ files: [String: String]) throws {
            try FileManager.default.createDirectory(
                atPath: root + group,
                withIntermediateDirectories: true
            )
            for (name, text) in files {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)\(group)/\(name)"))
            }
        }

        func text(_ path: String) throws -> String { try Files.text(of: root + service + path) }

        func divide(isDelegated: Bool = true) throws(DelegatedGroup.Unavailable) -> DelegatedGroup {
            try DelegatedGroup(
                root: root,
                membership: "1:name=systemd:/x\n0::\(service)\n",
                isDelegated: { $0 == root + service && isDelegated }
            )
        }
    }

    @Test func `moves the process below its group and divides that`() throws {
        let tree = try Tree()
        let group = try tree.divide()
        #expect(group.directory == tree.root + Self.service)
        #expect(try tree.text("/gateway/cgroup.procs") == "\(getpid())")
        #expect(try tree.text("/cgroup.subtree_control") == "+memory")
        #expect(try tree.text("/cgroup.procs") == "")
    }

    @Test func `gives a child a group with a limit that ends it as a whole`() throws {
        let tree = try Tree()
        let group = try tree.divide()
        let names = ["cgroup.procs", "memory.max", "memory.oom.group"]
        try tree.add(
            Self.service + "/worker-7",
            Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
        )
        let child = try group.makeChild(name: "worker-7")
        try child.limitMemory(byteCount: 1 << 30)
        try child.add(pid: 4711)
        #expect(try tree.text("/worker-7/memory.oom.group") == "1")
        #expect(try tree.text("/worker-7/memory.max") == "1073741824")
        #expect(try tree.text("/worker-7/cgroup.procs") == "4711")

        #expect(!child.hasRunOutOfMemory)
        let calm = "low 0\nhigh 3\nmax 9\noom 1\noom_kill 0\noom_group_kill 0\n"
        try tree.add(Self.service + "/worker-7", ["memory.events": calm])
        #expect(!child.hasRunOutOfMemory)
        let killed = calm.replacingOccurrences(of: "oom_kill 0", with: "oom_kill 2")
        try tree.add(Self.service + "/worker-7", ["memory.events": killed])
        #expect(child.hasRunOutOfMemory)
    }

    @Test func `makes and removes the group's directory`() throws {
        let directory = try TemporaryDirectory()
        let group = try ChildGroup(directory: directory.file("worker-1"))
        #expect(FileManager.default.fileExists(atPath: directory.file("worker-1")))
        group.remove()
        #expect(!FileManager.default.fileExists(atPath: directory.file("worker-1")))
        #expect(throws: SystemError.self) {
            try ChildGroup(directory: directory.file("absent/worker-1"))
        }
    }

    @Test func `says why a group is not divided, and leaves everything as it is`() throws {
        let tree = try Tree()
        #expect(throws: DelegatedGroup.Unavailable.self) { try tree.divide(isDelegated: false) }
        #expect(try tree.text("/gateway/cgroup.procs") == "")
        let bare = try Tree(controllers: "cpu pids\n")
        let problem = #expect(throws: DelegatedGroup.Unavailable.self) { try bare.divide() }
        #expect("\(problem, default: "")".hasSuffix("has no memory controller"))
        let old = #expect(throws: DelegatedGroup.Unavailable.self) {
            try DelegatedGroup(root: tree.root, membership: "4:memory:/x\n") { _ in true }
        }
        #expect("\(old, default: "")" == "there are no control groups of version 2")
    }

    @Test func `moves back when something else is in the group`() throws {
        let tree = try Tree()
        // The kernel answers EBUSY; here the file cannot be written because it is a directory.
        let control = tree.root + Self.service + "/cgroup.subtree_control"
        try FileManager.default.removeItem(atPath: control)
        try FileManager.default.createDirectory(atPath: control, withIntermediateDirectories: true)
        #expect(throws: DelegatedGroup.Unavailable.self) { try tree.divide() }
        #expect(try tree.text("/cgroup.procs") == "\(getpid())")
    }

    @Test func `a directory without systemd's mark is not delegated`() throws {
        let directory = try TemporaryDirectory()
        #expect(!DelegatedGroup.isMarked(directory: directory.path))
        #expect(!DelegatedGroup.isMarked(directory: directory.file("absent")))
    }
}

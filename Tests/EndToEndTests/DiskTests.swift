import Glibc
import Platform
import TestSupport
import Testing

/// Disks that take no more: what was there stays, and the user is told.
@Suite(.serialized, .timeLimit(.minutes(15))) struct DiskTests {
    private let folder: TemporaryDirectory
    private let model: String

    init() throws {
        folder = try TemporaryDirectory()
        model = try folder.write(TinyModel().writer().serialized(), to: "tiny.gguf")
    }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    @Test func `a file that may not grow is an error, and the keys stay`() throws {
        let store = folder.file("keys.json")
        let arguments = ["keys", "add", "--file", store]
        #expect(try ToriiProcess.run(arguments + ["alice"]).code == 0)
        let before = try Files.contents(of: store)
        let (code, output) = try ToriiProcess.run(arguments + ["bob"], limit: "-f 0")
        #expect(code == 1 && output.contains("EFBIG"), "\(output)")
        #expect(try Files.contents(of: store) == before && !exists(store + ".new"))
    }

    @Test func `a model that does not fit leaves nothing behind`() throws {
        let output = folder.file("out.gguf")
        let quantize = ["quantize", model, output, "q8_0"]
        #expect(try ToriiProcess.run(quantize).code == 0)
        let before = try Files.contents(of: output, maximumByteCount: 64 << 20)
        let (code, text) = try ToriiProcess.run(quantize, limit: "-f 8")
        #expect(code == 1 && text.contains("EFBIG"), "\(text)")
        #expect(try Files.contents(of: output, maximumByteCount: 64 << 20) == before)
        #expect(!exists(output + ".part"))
    }

    /// A disk of 64 KiB; nil where the tests may not mount one.
    private static func smallDisk(at path: String) throws -> Bool {
        guard mkdir(path, 0o700) == 0 else { return false }
        return try status("mount", "-t", "tmpfs", "-o", "size=64k", "torii-test", path) == 0
    }

    private static func status(_ words: String...) throws -> Int32 {
        let child = try ChildProcess.spawn(
            executable: "/bin/sh",
            arguments: ["-c", "exec \"$@\" 2>/dev/null", "sh"] + words,
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
            inheriting: []
        )
        guard case .exited(let code) = child.waitForExit() else { return -1 }
        return code
    }

    @Test(.enabled(if: geteuid() == 0, "only root may mount a disk"))
    func `a full disk is an error that says so, and what was there stays`() throws {
        let disk = folder.file("disk")
        guard try Self.smallDisk(at: disk) else { return }
        defer { _ = try? Self.status("umount", disk) }
        let store = disk + "/keys.json"
        let add = ["keys", "add", "--file", store]
        #expect(try ToriiProcess.run(add + ["alice"]).code == 0)
        let (code, text) = try ToriiProcess.run(["quantize", model, disk + "/out.gguf", "q8_0"])
        #expect(code == 1 && text.contains("ENOSPC"), "\(text)")
        #expect(!exists(disk + "/out.gguf") && !exists(disk + "/out.gguf.part"))
        let before = try Files.contents(of: store)
        // All that is left.
        let filler = [UInt8](repeating: 0, count: 4096)
        let file = open(disk + "/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        while write(file, filler, filler.count) > 0 {}
        close(file)
        let (failure, output) = try ToriiProcess.run(add + ["bob"])
        #expect(failure == 1 && output.contains("ENOSPC"), "\(output)")
        #expect(try Files.contents(of: store) == before && !exists(store + ".new"))
        #expect(unlink(disk + "/filler") == 0)
        #expect(try ToriiProcess.run(add + ["bob"]).code == 0)
    }
}

import Foundation
import Glibc
import ModelFiles
import TestSupport
import Testing

/// Models whose files somebody else opened.
@Suite(.timeLimit(.minutes(15)))
struct GGUFDescriptorTests {
    @Test func `reads the parts of a model from descriptors, whatever is at their paths`() throws {
        let directory = try TemporaryDirectory()
        let path = try GGUFSplitTests.write(GGUFSplitTests.parts(), into: directory)
        let descriptors = try (1...2).map { number in
            try opened(directory.file("m-0000\(number)-of-00002.gguf"))
        }
        let moved = directory.file("elsewhere-00001-of-00002.gguf")
        try FileManager.default.moveItem(atPath: path, toPath: moved)
        let file = try GGUFFile.open(path: path, descriptors: descriptors)
        #expect(file.tensors.map(\.name) == ["tensor0", "tensor1"])
    }

    @Test func `says how to name the parts when a descriptor is missing`() throws {
        let directory = try TemporaryDirectory()
        let path = try GGUFSplitTests.write(GGUFSplitTests.parts(), into: directory)
        let descriptor = try opened(path)
        let error = #expect(throws: GGUFError.self) {
            try GGUFFile.open(path: path, descriptors: [descriptor])
        }
        #expect(error?.description.contains("NAME-00001-of-00003.gguf") == true)
    }

    @Test(arguments: [0, 200, 100_000])
    func `notices that a file was cut or lengthened`(byteCount: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("m.gguf")
        try TinyModel().writer().write(to: path)
        let file = try GGUFFile.open(path: path)
        try file.checkUnchanged()
        #expect(truncate(path, byteCount) == 0)
        let changed = GGUFError(path: path, problem: .changed)
        #expect(throws: changed) { try file.checkUnchanged() }
        let tensor = try #require(file.tensors.last)
        var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
        #expect(throws: changed) {
            try bytes.withUnsafeMutableBytes { try file.read(tensor, into: $0) }
        }
        #expect("\(changed)".contains("changed while it was read"))
    }

    @Test func `notices a file that was overwritten, not a name that went to another file`() throws
    {
        let directory = try TemporaryDirectory()
        let path = directory.file("m.gguf")
        try TinyModel().writer().write(to: path)
        let file = try GGUFFile.open(path: path)
        try TinyModel().writer().write(to: directory.file("other.gguf"))
        #expect(rename(directory.file("other.gguf"), path) == 0)
        try file.checkUnchanged()

        let second = try GGUFFile.open(path: path)
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        // Back to a time that no clock can have given it.
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        #expect(pwrite(descriptor, "X", 1, 100) == 1 && futimens(descriptor, &times) == 0)
        #expect(throws: GGUFError(path: path, problem: .changed)) { try second.checkUnchanged() }
    }

    private func opened(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        return descriptor
    }
}

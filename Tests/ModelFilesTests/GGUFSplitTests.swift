import ModelFiles
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct GGUFSplitTests {
    /// Two parts of a model: metadata and one tensor, then another tensor.
    static func parts(tensorCount: Int32 = 2) -> [GGUFWriter] {
        (0..<2).map { index in
            var writer = GGUFWriter()
            if index == 0 {
                writer.set("general.architecture", .string("llama"))
                writer.set("split.tensors.count", .int32(tensorCount))
            }
            writer.set("split.no", .uint16(UInt16(index)))
            writer.set("split.count", .uint16(2))
            writer.tensors.append(
                GGUFWriter.Tensor(
                    name: "tensor\(index)",
                    type: .f32,
                    dimensions: [8],
                    bytes: [UInt8](repeating: UInt8(index), count: 32)
                )
            )
            return writer
        }
    }

    static func write(
        _ parts: [GGUFWriter],
        into directory: TemporaryDirectory,
        as names: [String] = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]
    ) throws -> String {
        for (part, name) in zip(parts, names) { try part.write(to: directory.file(name)) }
        return directory.file(names[0])
    }

    @Test func `joins the parts of a split model`() throws {
        let directory = try TemporaryDirectory()
        let file = try GGUFFile.open(path: Self.write(Self.parts(), into: directory))
        #expect(file.tensors.map(\.name) == ["tensor0", "tensor1"])
        let second = try #require(file.tensor("tensor1"))
        var bytes = [UInt8](repeating: 9, count: 32)
        try bytes.withUnsafeMutableBytes { try file.read(second, byteOffset: 0, into: $0) }
        #expect(bytes == [UInt8](repeating: 1, count: 32))
    }

    @Test func `names the first part when given another`() throws {
        let directory = try TemporaryDirectory()
        _ = try Self.write(Self.parts(), into: directory)
        // The second part of a real model has no architecture either, but the split comes first.
        let error = #expect(throws: GGUFError.self) {
            try GGUFFile.open(path: directory.file("m-00002-of-00002.gguf"))
        }
        #expect(error?.description.contains("m-00001-of-00002.gguf") == true)
    }

    @Test func `names the part that is missing`() throws {
        let directory = try TemporaryDirectory()
        let path = try Self.write([Self.parts()[0]], into: directory)
        let error = #expect(throws: GGUFError.self) { try GGUFFile.open(path: path) }
        #expect(error?.path.hasSuffix("m-00002-of-00002.gguf") == true)
    }

    @Test func `refuses a renamed part`() throws {
        let directory = try TemporaryDirectory()
        let path = try Self.write(Self.parts(), into: directory, as: ["a.gguf", "b.gguf"])
        let error = #expect(throws: GGUFError.self) { try GGUFFile.open(path: path) }
        #expect(error?.description.contains("Rename") == true)
    }

    @Test func `refuses parts of different models`() throws {
        let directory = try TemporaryDirectory()
        let short = try Self.write(Self.parts(tensorCount: 3), into: directory)
        #expect(throws: GGUFError.self) { try GGUFFile.open(path: short) }
        let swapped = try Self.write([Self.parts()[0], Self.parts()[0]], into: directory)
        #expect(throws: GGUFError.self) { try GGUFFile.open(path: swapped) }
    }

    @Test func `refuses a tensor that two parts have`() throws {
        let directory = try TemporaryDirectory()
        var parts = Self.parts()
        parts[1].tensors[0].name = "tensor0"
        let path = try Self.write(parts, into: directory)
        let error = #expect(throws: GGUFError.self) { try GGUFFile.open(path: path) }
        #expect(error?.problem == .duplicateTensor("tensor0"))
    }
}

import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct GGUFFileTests {
    @Test func `opens a tiny model and reads a tensor`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("tiny.gguf")
        try TinyModel.write(to: path)
        let file = try GGUFFile.open(path: path)
        #expect(file.architecture == "llama")
        let tensor = try #require(file.tensor("output_norm.weight"))
        #expect(tensor.type == .f32)
        #expect(tensor.dimensions == [320])
        var values = [Float](repeating: 0, count: 320)
        try values.withUnsafeMutableBytes { try file.read(tensor, byteOffset: 0, into: $0) }
        #expect(values.allSatisfy { (0.8...1.2).contains($0) })
    }
}

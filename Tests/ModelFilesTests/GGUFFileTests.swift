import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct GGUFFileTests {
    @Test func `opens a tiny model and reads a tensor`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("tiny.gguf")
        try TinyModel.write(to: path)
        let file = try GGUFFile.open(path: path)
        #expect(file.architecture == "llama")
        #expect(file.tensor("absent") == nil)
        let tensor = try #require(file.tensor("output_norm.weight"))
        #expect(tensor.type == .f32)
        #expect(tensor.dimensions == [320])
        let values = try Self.floats(of: tensor, in: file)
        #expect(values.allSatisfy { (0.8...1.2).contains($0) })
    }

    @Test func `reads from inside a tensor and nothing beyond it`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("tiny.gguf")
        try TinyModel.write(to: path)
        let file = try GGUFFile.open(path: path)
        let tensor = try #require(file.tensor("output_norm.weight"))
        let all = try Self.floats(of: tensor, in: file)
        var last: Float = 0
        try withUnsafeMutableBytes(of: &last) {
            try file.read(tensor, byteOffset: 1276, into: $0)
            for offset in [-1, 1277, 1280, Int.max] {
                #expect(throws: GGUFError.self) {
                    var other: Float = 0
                    try withUnsafeMutableBytes(of: &other) {
                        try file.read(tensor, byteOffset: offset, into: $0)
                    }
                }
            }
        }
        #expect(last == all[319])
    }

    @Test func `reads every type of value`() throws {
        var writer = GGUFWriter()
        writer.set("general.architecture", .string("llama"))
        writer.set("u8", .uint8(200))
        writer.set("i8", .int8(-3))
        writer.set("u16", .uint16(60_000))
        writer.set("i16", .int16(-30_000))
        writer.set("i32", .int32(-7))
        writer.set("u64", .uint64(1 << 40))
        writer.set("huge", .uint64(.max))
        writer.set("i64", .int64(.min))
        writer.set("f32", .float32(0.5))
        writer.set("f64", .float64(0.25))
        writer.set("flags", .bools([true, false]))
        writer.set("numbers", .int32s([1, -2]))
        writer.set("fractions", .float32s([1.5, -2]))
        writer.set("texts", .strings(["", "é", "漢字"]))
        let metadata = try GGUFFile.parse(writer.serialized()).metadata
        #expect(try metadata.integer("u8") == 200)
        #expect(try metadata.integer("i8") == -3)
        #expect(try metadata.integer("u16") == 60_000)
        #expect(try metadata.integer("i16") == -30_000)
        #expect(try metadata.integer("i32") == -7)
        #expect(try metadata.integer("u64") == 1 << 40)
        #expect(throws: GGUFError.self) { try metadata.integer("huge") }
        #expect(try metadata.integer("i64") == .min)
        #expect(try metadata.double("f32") == 0.5)
        #expect(try metadata.double("f64") == 0.25)
        #expect(try metadata.bools("flags") == [true, false])
        #expect(try metadata.integers("numbers") == [1, -2])
        #expect(try metadata.floats("fractions") == [1.5, -2])
        #expect(try metadata.strings("texts").map(Array.init) == ["", "é", "漢字"])
        #expect(try metadata.count("texts") == 3)
        #expect(metadata.keys.first == "general.architecture")
        #expect(metadata.type(of: "texts")?.elementType == .string)
    }

    @Test func `says what is wrong with a path`() throws {
        let directory = try TemporaryDirectory()
        let missing = #expect(throws: GGUFError.self) {
            try GGUFFile.open(path: directory.file("absent.gguf"))
        }
        #expect(missing?.description.contains("No such file") == true)
        #expect(throws: GGUFError.self) { try GGUFFile.open(path: directory.path) }
    }

    static func floats(of tensor: GGUFTensor, in file: GGUFFile) throws -> [Float] {
        var values = [Float](repeating: 0, count: tensor.elementCount)
        try values.withUnsafeMutableBytes { try file.read(tensor, byteOffset: 0, into: $0) }
        return values
    }
}

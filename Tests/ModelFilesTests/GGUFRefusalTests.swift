import ModelFiles
import Tensors
import TestSupport
import Testing

/// Each way in which a file can be wrong gives its own error, which names the place.
@Suite(.timeLimit(.minutes(15)))
struct GGUFRefusalTests {
    /// A file with one key of its own and two tensors.
    private static func writer() -> GGUFWriter {
        var writer = GGUFWriter()
        writer.set("general.architecture", .string("llama"))
        writer.set("answer", .uint32(42))
        for name in ["first", "second"] {
            writer.tensors.append(
                GGUFWriter.Tensor(
                    name: name,
                    type: .q8_0,
                    dimensions: [32, 2],
                    bytes: [UInt8](repeating: 1, count: 68)
                )
            )
        }
        return writer
    }

    private static func problem(_ bytes: [UInt8]) -> GGUFError.Problem? {
        do {
            _ = try GGUFFile.parse(bytes)
            return nil
        } catch {
            return error.problem
        }
    }

    private static func problem(_ change: (inout GGUFWriter) -> Void) -> GGUFError.Problem? {
        var writer = writer()
        change(&writer)
        return problem(writer.serialized())
    }

    @Test func `accepts versions 2 and 3`() {
        #expect(Self.problem { $0.version = 2 } == nil)
        #expect(Self.problem { $0.version = 3 } == nil)
    }

    @Test func `refuses other versions and says when a file is byte-swapped`() {
        #expect(Self.problem { $0.version = 1 } == .unsupportedVersion(1))
        #expect(Self.problem { $0.version = 4 } == .unsupportedVersion(4))
        #expect(Self.problem { $0.version = 3 << 24 } == .byteSwapped)
    }

    @Test func `refuses what isn't GGUF`() {
        #expect(
            Self.problem(Array("<!DOCTYPE html>".utf8)) == .notGGUF(firstBytes: Array("<!DO".utf8))
        )
        #expect(Self.problem(Array("GG".utf8)) == .notGGUF(firstBytes: Array("GG".utf8)))
        #expect(Self.problem([]) == .notGGUF(firstBytes: []))
    }

    @Test func `refuses a file cut at any byte of its header and data`() {
        let bytes = Self.writer().serialized()
        #expect(Self.problem(bytes) == nil)
        // The last tensor's padding may be missing, its data not.
        for count in 0..<bytes.count - 28 {
            #expect(Self.problem(Array(bytes[..<count])) != nil, "\(count) bytes")
        }
    }

    @Test func `refuses duplicate keys and tensors`() {
        #expect(Self.problem { $0.set("answer", .bool(true)) } == .duplicateKey("answer"))
        #expect(Self.problem { $0.tensors.append($0.tensors[0]) } == .duplicateTensor("first"))
    }

    @Test func `refuses empty and overlong names`() {
        guard case .invalidKeyName(2, _) = Self.problem({ $0.set("", .bool(true)) }) else {
            Issue.record("an empty key was accepted")
            return
        }
        guard case .invalidTensorName(0, _) = Self.problem({ $0.tensors[0].name = "" }) else {
            Issue.record("an empty tensor name was accepted")
            return
        }
        let long = String(repeating: "x", count: 64)
        guard case .tooLarge = Self.problem({ $0.tensors[0].name = long }) else {
            Issue.record("a tensor name of 64 bytes was accepted")
            return
        }
        #expect(Self.problem { $0.tensors[0].name = String(long.dropLast()) } == nil)
    }

    @Test func `refuses a wrong alignment`() {
        #expect(Self.problem { $0.alignment = 64 } == nil)
        for value: UInt32 in [0, 3, 48] {
            guard
                case .invalidValue("general.alignment", _) = Self.problem({
                    $0.set("general.alignment", .uint32(value))
                })
            else {
                Issue.record("an alignment of \(value) was accepted")
                continue
            }
        }
        guard
            case .wrongValueType("general.alignment", _, _) = Self.problem({
                $0.set("general.alignment", .uint64(32))
            })
        else {
            Issue.record("an alignment of another type was accepted")
            return
        }
    }

    @Test func `refuses a model that doesn't name its architecture`() {
        #expect(
            Self.problem { $0.metadata.removeFirst() } == .missingKey("general.architecture")
        )
    }

    @Test(
        arguments: [
            [31, 2], [32, -1], [1 << 62, 1 << 62], [32, 1 << 58, 1 << 3], [1 << 62, 4],
            [32, 2, 1, 1, 1],
        ]
    )
    func `refuses impossible dimensions`(dimensions: [Int]) {
        guard
            case .invalidTensor("first", _) = Self.problem({
                $0.tensors[0].dimensions = dimensions
            })
        else {
            Issue.record("dimensions \(dimensions) were accepted")
            return
        }
    }

    @Test func `refuses tensors that don't follow each other`() {
        // The second tensor's offset no longer fits the first one's size.
        guard
            case .invalidTensor("second", _) = Self.problem({ $0.tensors[0].dimensions = [32, 4] })
        else {
            Issue.record("overlapping tensors were accepted")
            return
        }
    }

    @Test func `refuses a tensor behind the end of the file`() {
        guard
            case .tensorBeyondEnd("second", _, _) = Self.problem({
                $0.tensors[1].dimensions = [32, 1 << 40]
            })
        else {
            Issue.record("a tensor behind the end was accepted")
            return
        }
    }

    @Test func `accepts tensors without elements and without dimensions`() {
        #expect(
            Self.problem {
                $0.tensors[1].dimensions = [0, 2]
                $0.tensors[1].bytes = []
            } == nil
        )
        #expect(
            Self.problem {
                $0.tensors[1] = .init(
                    name: "scalar",
                    type: .f32,
                    dimensions: [],
                    bytes: [0, 0, 0, 0]
                )
            } == nil
        )
    }

    @Test func `says what an unknown type is`() {
        func description(_ number: UInt32) -> String {
            Self.problem { $0.tensors[0].typeNumber = number }.map { "\($0)" } ?? ""
        }
        #expect(description(4).contains("removed from ggml"))
        #expect(description(33).contains("Q4_0_8_8"))
        #expect(description(137).contains("ik_llama.cpp"))
        #expect(description(50).contains("no such type"))
        #expect(description(50).contains("\"first\""))
    }

    @Test func `names key and types when a value is asked for as another`() throws {
        let metadata = try GGUFFile.parse(Self.writer().serialized()).metadata
        #expect(try metadata.integer("answer") == 42)
        #expect(try metadata.integer("absent") == nil)
        let error = #expect(throws: GGUFError.self) { try metadata.string("answer") }
        #expect(error?.description.contains("\"answer\"") == true)
        #expect(throws: GGUFError.self) { try metadata.double("answer") }
        #expect(throws: GGUFError.self) { try metadata.bool("answer") }
        #expect(throws: GGUFError.self) { try metadata.strings("answer") }
        #expect(throws: GGUFError.self) { try metadata.floats("answer") }
        #expect(throws: GGUFError.self) { try metadata.integers("answer") }
        #expect(throws: GGUFError.self) { try metadata.integer("general.architecture") }
    }
}

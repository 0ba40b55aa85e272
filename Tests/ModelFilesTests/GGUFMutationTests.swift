import ModelFiles
import TestSupport
import Testing

/// Thousands of damaged copies of a small model file: each is either parsed or refused with a typed
/// error.
///
/// A trap ends the test process, so passing means there was none.
@Suite(.timeLimit(.minutes(15)))
struct GGUFMutationTests {
    private static let seed: UInt64 = 20_261_123

    private static func original() -> (bytes: [UInt8], fields: [Range<Int>]) {
        var model = TinyModel()
        model.embeddingLength = 64
        model.feedForwardLength = 256
        model.layerCount = 1
        model.types = [.q4_0, .q6_K]
        return model.writer().serializedWithFields()
    }

    /// Opens the file and looks at everything that a loader would look at.
    private static func outcome(_ bytes: [UInt8]) -> Bool {
        do throws(GGUFError) {
            let file = try GGUFFile.parse(bytes)
            for key in file.metadata.keys {
                guard let (type, elementType) = file.metadata.type(of: key) else { continue }
                switch elementType ?? type {
                case .string where type == .array:
                    _ = try file.metadata.strings(key)?.last
                case .string: _ = try file.metadata.string(key)
                case .bool: _ = type == .array ? nil : try file.metadata.bool(key)
                case .float32, .float64: _ = type == .array ? nil : try file.metadata.double(key)
                default: _ = type == .array ? nil : try file.metadata.integer(key)
                }
            }
            for tensor in file.tensors {
                precondition(tensor.fileOffset + tensor.byteCount <= bytes.count)
            }
            return true
        } catch {
            precondition(!error.description.isEmpty)
            return false
        }
    }

    @Test func `survives extreme numbers in every count, length, type and offset`() {
        let (bytes, fields) = Self.original()
        #expect(Self.outcome(bytes))
        let values: [UInt64] = [
            0, 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, .max,
        ]
        var refused = 0
        for field in fields {
            for value in values {
                var mutant = bytes
                for (index, position) in field.enumerated() {
                    mutant[position] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
                }
                if !Self.outcome(mutant) { refused += 1 }
            }
        }
        #expect(refused > fields.count)
    }

    @Test func `survives flipped bits`() {
        let (bytes, fields) = Self.original()
        let headerEnd = (fields.last?.upperBound ?? 0) + 64
        var generator = SeededGenerator(seed: Self.seed)
        for _ in 0..<3_000 {
            var mutant = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: 0..<headerEnd, using: &generator)
                mutant[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            _ = Self.outcome(mutant)
        }
    }

    @Test func `survives truncation`() {
        let (bytes, fields) = Self.original()
        let headerEnd = (fields.last?.upperBound ?? 0) + 64
        var generator = SeededGenerator(seed: Self.seed)
        for _ in 0..<500 {
            let count = Int.random(in: 0..<headerEnd, using: &generator)
            #expect(!Self.outcome(Array(bytes[..<count])))
        }
        for count in stride(from: headerEnd, to: bytes.count - 4096, by: 4096) {
            #expect(!Self.outcome(Array(bytes[..<count])))
        }
    }
}

import Tensors
import TestSupport
import Testing

/// Expectations made by ggml's Python package: see Golden/make-golden.py.
@Suite(.timeLimit(.minutes(15)))
struct BlockDequantizerTests {
    @Test func `gives the numbers that ggml gives, bit for bit`() throws {
        var seen = Set<TensorType>()
        for line in try Golden.contents("dequantized.txt").split(separator: "\n") {
            let fields = line.split(separator: " ")
            let type = try #require(TensorType.allCases.first { $0.name == fields[0] })
            let bytes = Golden.bytes(hexadecimal: fields[1])
            let expected = try fields[2].split(separator: ",").map {
                try #require(UInt32($0, radix: 16))
            }
            #expect(try Self.dequantize(bytes, type).map(\.bitPattern) == expected, "\(type)")
            seen.insert(type)
        }
        #expect(seen == Set(BlockDequantizer.supportedTypes))
    }

    @Test func `refuses bytes that aren't whole blocks`() {
        #expect(throws: TensorError.self) {
            try Self.dequantize([UInt8](repeating: 0, count: 17), .q4_0)
        }
    }

    @Test func `refuses a type without a reference`() {
        #expect(throws: TensorError.unsupportedType(.iq1_S)) {
            try Self.dequantize([UInt8](repeating: 0, count: 50), .iq1_S)
        }
    }

    private static func dequantize(_ bytes: [UInt8], _ type: TensorType) throws -> [Float] {
        let count = bytes.count / type.blockByteCount * type.blockElementCount
        var output = [Float](repeating: 0, count: count)
        try bytes.withUnsafeBytes { source in
            try output.withUnsafeMutableBufferPointer {
                try BlockDequantizer.dequantize(source, type: type, into: $0)
            }
        }
        return output
    }
}

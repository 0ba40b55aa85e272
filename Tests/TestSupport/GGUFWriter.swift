import Foundation
import Tensors

/// Writes model files for tests: well-formed by default, and as wrong as wanted by way of
/// `fieldPositions`, which tells a mutation test where the interesting numbers are.
package struct GGUFWriter: Sendable {
    /// A metadata value.
    package enum Value: Sendable {
        case uint8(UInt8)
        case int8(Int8)
        case uint16(UInt16)
        case int16(Int16)
        case uint32(UInt32)
        case int32(Int32)
        case uint64(UInt64)
        case int64(Int64)
        case float32(Float)
        case float64(Double)
        case bool(Bool)
        case string(String)
        case strings([String])
        case int32s([Int32])
        case float32s([Float])
        case bools([Bool])
    }

    /// A tensor to write.
    package struct Tensor: Sendable {
        /// The name.
        package var name: String
        /// How the elements are stored.
        package var type: TensorType
        /// Lengths, fastest first.
        package var dimensions: [Int]
        /// The data.
        package var bytes: [UInt8]
        /// The type's number in the file, if another than `type`'s.
        package var typeNumber: UInt32?

        /// A tensor to write.
        package init(name: String, type: TensorType, dimensions: [Int], bytes: [UInt8]) {
            self.name = name
            self.type = type
            self.dimensions = dimensions
            self.bytes = bytes
        }
    }

    /// The container's version.
    package var version: UInt32 = 3
    /// Where tensors start: at multiples of this.
    ///
    /// Written as a key if it isn't 32.
    package var alignment = 32
    /// Keys and values, in order.
    package var metadata: [(key: String, value: Value)] = []
    /// The tensors, in order.
    package var tensors: [Tensor] = []

    /// An empty file.
    package init() {}

    /// Adds a key.
    package mutating func set(_ key: String, _ value: Value) {
        metadata.append((key, value))
    }

    /// The file's bytes.
    package func serialized() -> [UInt8] {
        serializedWithFields().bytes
    }

    /// The file's bytes, and where counts, lengths, offsets, types and dimensions lie in them.
    package func serializedWithFields() -> (bytes: [UInt8], fields: [Range<Int>]) {
        var output = Output()
        output.bytes = Array("GGUF".utf8)
        output.field(version)
        output.field(UInt64(tensors.count))
        let keys = metadata + (alignment == 32 ? [] : [alignmentEntry])
        output.field(UInt64(keys.count))
        for (key, value) in keys {
            output.string(key)
            write(value, to: &output)
        }
        var offset = 0
        for tensor in tensors {
            output.string(tensor.name)
            output.field(UInt32(tensor.dimensions.count))
            for length in tensor.dimensions { output.field(Int64(length)) }
            output.field(tensor.typeNumber ?? tensor.type.rawValue)
            output.field(UInt64(offset))
            offset = padded(offset + tensor.bytes.count)
        }
        let start = padded(output.bytes.count)
        for tensor in tensors {
            output.pad(to: padded(output.bytes.count))
            output.bytes += tensor.bytes
        }
        output.pad(to: start + offset)
        return (output.bytes, output.fields)
    }

    /// Writes the file.
    package func write(to path: String) throws {
        try Data(serialized()).write(to: URL(fileURLWithPath: path))
    }

    private var alignmentEntry: (key: String, value: Value) {
        ("general.alignment", .uint32(UInt32(alignment)))
    }

    private func padded(_ count: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }

    private func write(_ value: Value, to output: inout Output) {
        switch value {
        case .uint8(let number): output.value(0, number)
        case .int8(let number): output.value(1, number)
        case .uint16(let number): output.value(2, number)
        case .int16(let number): output.value(3, number)
        case .uint32(let number): output.value(4, number)
        case .int32(let number): output.value(5, number)
        case .float32(let number): output.value(6, number.bitPattern)
        case .bool(let flag): output.value(7, UInt8(flag ? 1 : 0))
        case .string(let text):
            output.field(UInt32(8))
            output.string(text)
        case .uint64(let number): output.value(10, number)
        case .int64(let number): output.value(11, number)
        case .float64(let number): output.value(12, number.bitPattern)
        case .strings(let texts):
            output.array(of: 8, count: texts.count)
            for text in texts { output.string(text) }
        case .int32s(let numbers):
            output.array(of: 5, count: numbers.count)
            for number in numbers { output.integer(number) }
        case .float32s(let numbers):
            output.array(of: 6, count: numbers.count)
            for number in numbers { output.integer(number.bitPattern) }
        case .bools(let flags):
            output.array(of: 7, count: flags.count)
            for flag in flags { output.integer(UInt8(flag ? 1 : 0)) }
        }
    }

    private struct Output {
        var bytes: [UInt8] = []
        var fields: [Range<Int>] = []

        mutating func integer(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }

        mutating func field(_ value: some FixedWidthInteger) {
            let start = bytes.count
            integer(value)
            fields.append(start..<bytes.count)
        }

        mutating func value(_ type: UInt32, _ value: some FixedWidthInteger) {
            field(type)
            field(value)
        }

        mutating func string(_ text: String) {
            field(UInt64(text.utf8.count))
            bytes.append(contentsOf: text.utf8)
        }

        mutating func array(of type: UInt32, count: Int) {
            field(UInt32(9))
            field(type)
            field(UInt64(count))
        }

        mutating func pad(to count: Int) {
            bytes.append(contentsOf: repeatElement(0, count: max(0, count - bytes.count)))
        }
    }
}

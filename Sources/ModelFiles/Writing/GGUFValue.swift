/// A metadata value to write.
package enum GGUFValue: Sendable, Hashable {
    case uint32(UInt32)
    case int32(Int32)
    case float32(Float)
    case bool(Bool)
    case string(String)
    case strings([String])
    case int32s([Int32])
    case float32s([Float])
    case bytes([UInt8])
    case bools([Bool])

    /// Appends type and value, as they stand behind the key in a file.
    func write(to output: inout [UInt8]) {
        switch self {
        case .uint32(let number): output.append(type: .uint32, number)
        case .int32(let number): output.append(type: .int32, number)
        case .float32(let number): output.append(type: .float32, number.bitPattern)
        case .bool(let flag): output.append(type: .bool, UInt8(flag ? 1 : 0))
        case .string(let text):
            output.append(littleEndian: GGUFValueType.string.rawValue)
            output.append(string: text)
        case .strings(let texts):
            output.append(arrayOf: .string, count: texts.count)
            for text in texts { output.append(string: text) }
        case .int32s(let numbers):
            output.append(arrayOf: .int32, count: numbers.count)
            for number in numbers { output.append(littleEndian: number) }
        case .float32s(let numbers):
            output.append(arrayOf: .float32, count: numbers.count)
            for number in numbers { output.append(littleEndian: number.bitPattern) }
        case .bytes(let bytes):
            output.append(arrayOf: .uint8, count: bytes.count)
            output.append(contentsOf: bytes)
        case .bools(let flags):
            output.append(arrayOf: .bool, count: flags.count)
            for flag in flags { output.append(flag ? 1 : 0) }
        }
    }
}

extension [UInt8] {
    /// Appends an integer's bytes, the lowest first.
    mutating func append(littleEndian value: some FixedWidthInteger) {
        for index in 0..<value.bitWidth / 8 {
            append(UInt8(truncatingIfNeeded: value >> (8 * index)))
        }
    }

    /// Appends a length and a text.
    mutating func append(string: String) {
        append(littleEndian: UInt64(string.utf8.count))
        append(contentsOf: string.utf8)
    }

    fileprivate mutating func append(type: GGUFValueType, _ value: some FixedWidthInteger) {
        append(littleEndian: type.rawValue)
        append(littleEndian: value)
    }

    fileprivate mutating func append(arrayOf type: GGUFValueType, count: Int) {
        append(littleEndian: GGUFValueType.array.rawValue)
        append(littleEndian: type.rawValue)
        append(littleEndian: UInt64(count))
    }
}

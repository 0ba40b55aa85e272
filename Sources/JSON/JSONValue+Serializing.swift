extension JSONValue {
    /// The value as JSON text; without `pretty` there is no white space, with it one member or element
    /// stands on each line, indented by two spaces.
    ///
    /// Only quotes, backslashes and control characters are escaped. Numbers that JSON cannot say (NaN,
    /// infinities) become `null`.
    package func serialized(pretty: Bool = false) -> String {
        String(decoding: serializedBytes(pretty: pretty), as: UTF8.self)
    }

    /// The value as UTF-8 bytes of JSON text; see `serialized(pretty:)`.
    package func serializedBytes(pretty: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        serialize(into: &bytes, pretty: pretty)
        return bytes
    }

    /// Appends the value's JSON text to `bytes`; see `serialized(pretty:)`.
    package func serialize(into bytes: inout [UInt8], pretty: Bool = false) {
        serialize(into: &bytes, indentation: pretty ? 0 : nil)
    }

    private func serialize(into bytes: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): bytes.append(contentsOf: String(value).utf8)
        case .double(let value):
            bytes.append(contentsOf: (value.isFinite ? value.description : "null").utf8)
        case .string(let value): Self.serialize(string: value, into: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.breakLine(indentation.map { $0 + 2 }, &bytes)
                element.serialize(into: &bytes, indentation: indentation.map { $0 + 2 })
            }
            if !elements.isEmpty { Self.breakLine(indentation, &bytes) }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.breakLine(indentation.map { $0 + 2 }, &bytes)
                Self.serialize(string: member.key, into: &bytes)
                bytes.append(UInt8(ascii: ":"))
                if indentation != nil { bytes.append(UInt8(ascii: " ")) }
                member.value.serialize(into: &bytes, indentation: indentation.map { $0 + 2 })
            }
            if !object.isEmpty { Self.breakLine(indentation, &bytes) }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func breakLine(_ indentation: Int?, _ bytes: inout [UInt8]) {
        guard let indentation else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation))
    }

    private static func serialize(string: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        bytes.reserveCapacity(bytes.count + string.utf8.count + 1)
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0x0D: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
            case 0x09: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
            case 0x08: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "b")])
            case 0x0C: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "f")])
            case 0x00..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(hexadecimalDigit(byte >> 4))
                bytes.append(hexadecimalDigit(byte & 15))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func hexadecimalDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}

extension JSONValue: CustomStringConvertible {
    /// The compact JSON text.
    package var description: String { serialized() }
}

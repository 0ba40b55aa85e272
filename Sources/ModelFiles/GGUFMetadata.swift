/// The metadata of a model file: typed look-ups by key.
///
/// Values stay as the bytes that were read until they are asked for. Every look-up gives nil for
/// an absent key and throws, naming the key, for a value of the wrong type. Safe from any thread.
package struct GGUFMetadata: Sendable {
    /// Where a value lies in the bytes.
    struct Entry: Sendable, Hashable {
        var type: GGUFValueType
        /// The elements' type, if the value is an array.
        var elementType: GGUFValueType?
        /// The number of elements: 1 unless the value is an array.
        var count: Int
        /// The value's bytes; for a string without its length, for an array from the first element.
        var range: Range<Int>
    }

    /// Elements of an array of numbers that is unpacked; vocabularies have some 260,000.
    package static let maximumNumberCount = 1 << 24

    /// The file, for error messages.
    package let path: String
    /// The keys in the file's order.
    package let keys: [String]
    private let entries: [String: Entry]
    private let bytes: [UInt8]

    init(path: String, keys: [String], entries: [String: Entry], bytes: [UInt8]) {
        self.path = path
        self.keys = keys
        self.entries = entries
        self.bytes = bytes
    }

    /// The type of a key's value, and of its elements if it is an array.
    package func type(of key: String) -> (type: GGUFValueType, elementType: GGUFValueType?)? {
        entries[key].map { ($0.type, $0.elementType) }
    }

    /// A string value; what isn't UTF-8 in it reads as U+FFFD.
    package func string(_ key: String) throws(GGUFError) -> String? {
        guard let entry = entries[key] else { return nil }
        guard entry.type == .string else { throw wrongType(key, "a string", entry) }
        return String(decoding: bytes[entry.range], as: UTF8.self)
    }

    /// A whole number of any width.
    package func integer(_ key: String) throws(GGUFError) -> Int? {
        guard let entry = entries[key] else { return nil }
        guard entry.type.isInteger else { throw wrongType(key, "a whole number", entry) }
        return try integer(entry.type, at: entry.range.lowerBound, key: key)
    }

    /// A number with a fraction, of either width.
    package func double(_ key: String) throws(GGUFError) -> Double? {
        guard let entry = entries[key] else { return nil }
        guard let value = floatingPoint(entry.type, at: entry.range.lowerBound) else {
            throw wrongType(key, "a floating-point number", entry)
        }
        return value
    }

    /// A truth value.
    package func bool(_ key: String) throws(GGUFError) -> Bool? {
        guard let entry = entries[key] else { return nil }
        guard entry.type == .bool else { throw wrongType(key, "true or false", entry) }
        return bytes[entry.range.lowerBound] != 0
    }

    /// An array of strings.
    ///
    /// - Complexity: O(n) in the number of strings, at every call.
    package func strings(_ key: String) throws(GGUFError) -> StringTable? {
        guard let entry = entries[key] else { return nil }
        guard entry.elementType == .string else {
            throw wrongType(key, "an array of strings", entry)
        }
        return StringTable(bytes: bytes, position: entry.range.lowerBound, count: entry.count)
    }

    /// An array of numbers with a fraction, of either width.
    package func floats(_ key: String) throws(GGUFError) -> [Float]? {
        guard let entry = entries[key] else { return nil }
        guard let type = entry.elementType, let width = type.byteCount,
            type == .float32 || type == .float64
        else {
            throw wrongType(key, "an array of floating-point numbers", entry)
        }
        try checkCount(entry, key: key)
        var values: [Float] = []
        values.reserveCapacity(entry.count)
        for index in 0..<entry.count {
            let value = floatingPoint(type, at: entry.range.lowerBound + index * width)
            values.append(Float(value ?? .nan))
        }
        return values
    }

    /// An array of whole numbers of any width.
    package func integers(_ key: String) throws(GGUFError) -> [Int]? {
        guard let entry = entries[key] else { return nil }
        guard let type = entry.elementType, type.isInteger, let width = type.byteCount else {
            throw wrongType(key, "an array of whole numbers", entry)
        }
        try checkCount(entry, key: key)
        var values: [Int] = []
        values.reserveCapacity(entry.count)
        for index in 0..<entry.count {
            let offset = entry.range.lowerBound + index * width
            values.append(try integer(type, at: offset, key: key))
        }
        return values
    }

    /// An array of truth values.
    package func bools(_ key: String) throws(GGUFError) -> [Bool]? {
        guard let entry = entries[key] else { return nil }
        guard entry.elementType == .bool else {
            throw wrongType(key, "an array of truth values", entry)
        }
        return bytes[entry.range].map { $0 != 0 }
    }

    /// The number of elements of an array of any type.
    package func count(_ key: String) throws(GGUFError) -> Int? {
        guard let entry = entries[key] else { return nil }
        guard entry.type == .array else { throw wrongType(key, "an array", entry) }
        return entry.count
    }

    /// Appends the type and the value of a key that is there, as they stand in a file.
    func write(_ key: String, to output: inout [UInt8]) {
        guard let entry = entries[key] else { preconditionFailure("the key is there") }
        output.append(littleEndian: entry.type.rawValue)
        if let elementType = entry.elementType {
            output.append(littleEndian: elementType.rawValue)
            output.append(littleEndian: UInt64(entry.count))
        } else if entry.type == .string {
            output.append(littleEndian: UInt64(entry.range.count))
        }
        output.append(contentsOf: bytes[entry.range])
    }

    /// Refuses to unpack bytes into numbers eight times their size without bound.
    private func checkCount(_ entry: Entry, key: String) throws(GGUFError) {
        guard entry.count <= Self.maximumNumberCount else {
            throw GGUFError(
                path: path,
                problem: .tooLarge(
                    field: "the length of the array of \"\(key)\"",
                    value: UInt64(entry.count),
                    maximum: UInt64(Self.maximumNumberCount)
                )
            )
        }
    }

    private func integer(
        _ type: GGUFValueType,
        at offset: Int,
        key: String
    ) throws(GGUFError) -> Int {
        switch type {
        case .uint8: return Int(bytes[offset])
        case .int8: return Int(Int8(bitPattern: bytes[offset]))
        case .uint16: return Int(bytes.littleEndian(UInt16.self, at: offset))
        case .int16: return Int(bytes.littleEndian(Int16.self, at: offset))
        case .uint32: return Int(bytes.littleEndian(UInt32.self, at: offset))
        case .int32: return Int(bytes.littleEndian(Int32.self, at: offset))
        case .int64: return Int(bytes.littleEndian(Int64.self, at: offset))
        default:
            let value = bytes.littleEndian(UInt64.self, at: offset)
            guard let small = Int(exactly: value) else {
                throw GGUFError(
                    path: path,
                    problem: .invalidValue(key: key, reason: "is \(value), too large a number")
                )
            }
            return small
        }
    }

    private func floatingPoint(_ type: GGUFValueType, at offset: Int) -> Double? {
        switch type {
        case .float32:
            Double(Float(bitPattern: bytes.littleEndian(UInt32.self, at: offset)))
        case .float64:
            Double(bitPattern: bytes.littleEndian(UInt64.self, at: offset))
        default: nil
        }
    }

    private func wrongType(_ key: String, _ expected: String, _ entry: Entry) -> GGUFError {
        let found = entry.elementType.map { "an array of \($0)" } ?? "\(entry.type)"
        return GGUFError(
            path: path,
            problem: .wrongValueType(key: key, expected: expected, found: found)
        )
    }
}

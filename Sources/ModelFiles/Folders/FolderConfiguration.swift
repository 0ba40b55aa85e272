import JSON

/// A JSON file of a model's folder, with look-ups that name the file and the key in their errors.
struct FolderConfiguration: Sendable {
    /// Bounds of the small files; `tokenizer.json` has its own.
    private static let limits = JSONLimits(maximumByteCount: 16 << 20)

    /// The file, for errors.
    let path: String
    let value: JSONValue

    /// Parses a file's bytes.
    init(path: String, bytes: [UInt8], limits: JSONLimits = Self.limits) throws(GGUFError) {
        self.path = path
        do throws(JSONError) {
            value = try JSONValue.parse(bytes, limits: limits)
        } catch {
            throw GGUFError(path: path, problem: .invalidFolder(reason: "is no JSON: \(error)"))
        }
    }

    init(path: String, value: JSONValue) {
        self.path = path
        self.value = value
    }

    /// The object at a key, nil if there is none.
    func section(_ key: String) -> FolderConfiguration? {
        guard let section = value[key], section.objectValue != nil else { return nil }
        return FolderConfiguration(path: path, value: section)
    }

    func refusal(_ reason: String) -> GGUFError {
        GGUFError(path: path, problem: .invalidFolder(reason: reason))
    }

    /// A whole number that fits 32 bits.
    func integer(_ key: String) throws(GGUFError) -> Int? {
        guard let found = value[key], !found.isNull else { return nil }
        guard let number = found.intValue, number >= 0, number <= Int(UInt32.max) else {
            throw refusal("has \"\(key)\", which is no whole number of 0 or more")
        }
        return number
    }

    func required(_ key: String) throws(GGUFError) -> Int {
        guard let number = try integer(key) else { throw refusal("lacks \"\(key)\"") }
        return number
    }

    /// The first of several keys that is there: authors' classes have their own names for a number.
    func required(_ keys: [String]) throws(GGUFError) -> Int {
        for key in keys {
            if let number = try integer(key) { return number }
        }
        throw refusal("lacks " + keys.map { "\"\($0)\"" }.joined(separator: " or "))
    }

    func double(_ key: String) throws(GGUFError) -> Double? {
        guard let found = value[key], !found.isNull else { return nil }
        guard let number = found.doubleValue else { throw refusal("has \"\(key)\", no number") }
        return number
    }

    func doubles(_ key: String) throws(GGUFError) -> [Double]? {
        guard let found = value[key], !found.isNull else { return nil }
        guard let numbers = found.arrayValue?.map(\.doubleValue),
            numbers.allSatisfy({ $0 != nil })
        else { throw refusal("has \"\(key)\", no list of numbers") }
        return numbers.compactMap(\.self)
    }

    func string(_ key: String) -> String? { value[key]?.stringValue }

    func flag(_ key: String) -> Bool? { value[key]?.boolValue }
}

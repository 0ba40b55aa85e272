/// A mistake that a decoder found: the path of keys to it and what to do.
struct SettingError: Error, Equatable {
    let path: [String]
    let message: String
}

extension Decoder {
    /// A container in which a key that `Key` does not list is an error that names it.
    func strictContainer<Key: CodingKey & CaseIterable>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        let known = Key.allCases.map(\.stringValue)
        let present = try container(keyedBy: AnyCodingKey.self).allKeys.map(\.stringValue)
        if let unknown = present.sorted().first(where: { !known.contains($0) }) {
            let near = known.min { Self.distance($0, unknown) < Self.distance($1, unknown) }
            let suggestion = near.flatMap { Self.distance($0, unknown) <= 3 ? $0 : nil }
            throw SettingError(
                path: codingPath.map(\.stringValue) + [unknown],
                message: suggestion.map { "unknown key; did you mean `\($0)`?" }
                    ?? "unknown key; known here: \(known.joined(separator: ", "))"
            )
        }
        return try container(keyedBy: type)
    }

    /// Insertions, deletions and replacements that turn one word into the other.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let replaced = diagonal + (right[j] == character ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}

extension KeyedDecodingContainer {
    /// A whole number within `range`, or nil when the key is absent.
    ///
    /// Read as a `Double`, because Foundation reports `1.5` for an `Int` without its key.
    func integer(forKey key: Key, in range: ClosedRange<Int>) throws -> Int? {
        guard let number = try decodeIfPresent(Double.self, forKey: key) else { return nil }
        guard let value = Int(exactly: number), range.contains(value) else {
            throw SettingError(
                path: (codingPath + [key]).map(\.stringValue),
                message: "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    /// A number within `range`, or nil when the key is absent.
    func number(forKey key: Key, in range: ClosedRange<Double>) throws -> Double? {
        guard let number = try decodeIfPresent(Double.self, forKey: key) else { return nil }
        guard range.contains(number) else {
            throw SettingError(
                path: (codingPath + [key]).map(\.stringValue),
                message: "must be a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }
}

private struct AnyCodingKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// A Python `dict`: values by key, in the order in which the keys came.
final class MappingValue {
    /// What a key is compared by; `1`, `1.0` and `true` are one key, as in Python.
    enum Key: Hashable {
        case none
        case number(Double)
        case text([UInt8])
        case tuple([Key])

        var isTuple: Bool { if case .tuple = self { true } else { false } }
    }

    let keys: [TemplateValue]
    let values: [TemplateValue]
    let depth: Int
    private let positions: [Key: Int]

    /// Takes the entries in order; of equal keys the last value wins at the first position.
    ///
    /// - Parameters:
    ///   - entries: Keys that `key(_:)` accepts, with their values.
    ///   - depth: How many containers stand inside one another, counting this one.
    init(_ entries: [(key: Key, name: TemplateValue, value: TemplateValue)], depth: Int) {
        var keys: [TemplateValue] = []
        var values: [TemplateValue] = []
        var positions = [Key: Int](minimumCapacity: entries.count)
        keys.reserveCapacity(entries.count)
        values.reserveCapacity(entries.count)
        for entry in entries {
            if let position = positions[entry.key] {
                values[position] = entry.value
            } else {
                positions[entry.key] = keys.count
                keys.append(entry.name)
                values.append(entry.value)
            }
        }
        self.keys = keys
        self.values = values
        self.positions = positions
        self.depth = depth
    }

    var count: Int { keys.count }

    subscript(key: Key) -> TemplateValue? { positions[key].map { values[$0] } }

    subscript(name: String) -> TemplateValue? { self[.text(Array(name.utf8))] }

    /// The entries in order, in the form that the initialiser takes.
    var entries: [(key: Key, name: TemplateValue, value: TemplateValue)] {
        var names = [Key](repeating: .none, count: count)
        for (key, position) in positions { names[position] = key }
        return keys.indices.map { (names[$0], keys[$0], values[$0]) }
    }

    /// The form of a value in which it is looked up; nil for what Python cannot hash.
    static func key(_ value: TemplateValue) -> Key? {
        switch value {
        case .none: return Key.none
        case .text(let text): return .text(text.bytes)
        case .sequence(let sequence) where sequence.kind == .tuple:
            // Tuples inside tuples are left out: shared ones would make keys of exponential size.
            var keys: [Key] = []
            for element in sequence.elements {
                guard let key = key(element), !key.isTuple else { return nil }
                keys.append(key)
            }
            return .tuple(keys)
        default: return value.number.map { .number($0.double) }
        }
    }
}

/// One JSON value, as RFC 8259 defines it, with the order of object members kept.
///
/// A number literal without fraction and exponent that fits `Int` is `.integer`; every other number
/// is `.double`, so `1` and `1.0` stay distinguishable and are written back as they came.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// The text of a string, nil for every other kind.
    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The value of an integral number (`1` and also `1.0`, which JavaScript clients send), else nil.
    package var intValue: Int? {
        switch self {
        case .integer(let value): value
        case .double(let value): Self.integer(value)
        default: nil
        }
    }

    private static func integer(_ value: Double) -> Int? {
        guard value >= -0x1p63, value < 0x1p63 else { return nil }
        let integer = Int(value)
        return Double(integer) == value ? integer : nil
    }

    /// The value of any number, an integer literal too; nil for every other kind.
    package var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The value of `true` or `false`, nil for every other kind.
    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements of an array, nil for every other kind.
    package var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The object itself, nil for every other kind.
    package var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// Whether this is `null`.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// What kind of value this is, in the words of the JSON specification, for error messages.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer, .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The member of an object; nil when it is absent or this is no object.
    package subscript(key: String) -> JSONValue? { objectValue?[key] }

    /// The element of an array; nil when the index is out of range or this is no array.
    package subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(nilLiteral: ()) { self = .null }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements))
    }
}

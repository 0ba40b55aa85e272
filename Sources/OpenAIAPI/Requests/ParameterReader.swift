import JSON

/// Reads typed members of one JSON object; errors name the member with its path.
///
/// A member that is null reads as absent, because clients send null for everything they leave out.
/// An integral `1.0` is an integer (JavaScript clients); a boolean in a string is not a boolean.
struct ParameterReader {
    let object: JSONObject
    /// The path of the object itself, empty for the body.
    let path: String

    init(_ object: JSONObject, path: String = "") {
        self.object = object
        self.path = path
    }

    /// Reads a whole request body, which must be an object.
    init(body: JSONValue) throws(APIError) {
        guard let object = body.objectValue else {
            throw .invalidRequest("The request body must be a JSON object.", code: "invalid_type")
        }
        self.init(object)
    }

    /// The path of a member, as `param` shows it.
    func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The member's value, nil when it is absent or null.
    func value(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    func string(_ name: String) throws(APIError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.stringValue else {
            throw .invalidType(path(of: name), expected: "a string", value: value)
        }
        return text
    }

    func bool(_ name: String) throws(APIError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let flag = value.boolValue else {
            throw .invalidType(path(of: name), expected: "a boolean", value: value)
        }
        return flag
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let value = value(name) else { return nil }
        guard let number = value.intValue else {
            throw .invalidType(path(of: name), expected: "an integer", value: value)
        }
        guard range.contains(number) else {
            let isBelow = number < range.lowerBound
            throw .outOfRange(
                path(of: name),
                value: number,
                isBelow: isBelow,
                limit: isBelow ? range.lowerBound : range.upperBound,
                isInteger: true
            )
        }
        return number
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(APIError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.doubleValue else {
            throw .invalidType(path(of: name), expected: "a number", value: value)
        }
        guard range.contains(number) else {
            let isBelow = number < range.lowerBound
            throw .outOfRange(
                path(of: name),
                value: number,
                isBelow: isBelow,
                limit: isBelow ? range.lowerBound : range.upperBound,
                isInteger: false
            )
        }
        return number
    }

    func array(_ name: String) throws(APIError) -> [JSONValue]? {
        guard let value = value(name) else { return nil }
        guard let elements = value.arrayValue else {
            throw .invalidType(path(of: name), expected: "an array", value: value)
        }
        return elements
    }

    /// An array of strings within these bounds.
    func strings(
        _ name: String,
        maximumCount: Int,
        maximumByteCount: Int
    ) throws(APIError) -> [String]? {
        guard let elements = try array(name) else { return nil }
        let path = path(of: name)
        guard elements.count <= maximumCount else {
            throw .invalidRequest(
                "Invalid '\(path)': at most \(maximumCount) strings are allowed, "
                    + "but got \(elements.count).",
                parameter: path,
                code: "array_above_max_length"
            )
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard let text = element.stringValue else {
                throw .invalidType("\(path)[\(index)]", expected: "a string", value: element)
            }
            guard text.utf8.count <= maximumByteCount else {
                throw .invalidRequest(
                    "Invalid '\(path)': a string is longer than \(maximumByteCount) bytes.",
                    parameter: path,
                    code: "string_above_max_length"
                )
            }
            texts.append(text)
        }
        return texts
    }

    func object(_ name: String) throws(APIError) -> ParameterReader? {
        guard let value = value(name) else { return nil }
        guard let object = value.objectValue else {
            throw .invalidType(path(of: name), expected: "an object", value: value)
        }
        return ParameterReader(object, path: path(of: name))
    }

    /// Token ids, each a number of 0 or more that fits 32 bits.
    func tokens(_ ids: [JSONValue], path: String) throws(APIError) -> [Int32] {
        var tokens: [Int32] = []
        tokens.reserveCapacity(ids.count)
        for (index, id) in ids.enumerated() {
            guard let number = id.intValue, let token = Int32(exactly: number), token >= 0 else {
                throw .invalidType("\(path)[\(index)]", expected: "a token id", value: id)
            }
            tokens.append(token)
        }
        return tokens
    }

    /// `value`, or the error that the member `name` is missing.
    func required<Value>(_ name: String, _ value: Value?) throws(APIError) -> Value {
        guard let value else { throw .missing(path(of: name)) }
        return value
    }
}

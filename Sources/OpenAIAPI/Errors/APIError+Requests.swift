package import JSON

// The refusals of a request's content. Messages and codes follow OpenAI's own.
extension APIError {
    /// 400 with a message of its own.
    package static func invalidRequest(
        _ message: String,
        parameter: String? = nil,
        code: String? = "invalid_value"
    ) -> APIError {
        APIError(
            status: 400,
            kind: .invalidRequest,
            code: code,
            message: message,
            parameter: parameter
        )
    }

    /// The body is no JSON document.
    package static func malformedJSON(_ error: JSONError) -> APIError {
        invalidRequest("The request body is not valid JSON: \(error).", code: "invalid_json")
    }

    /// A member that must be there is not.
    static func missing(_ parameter: String) -> APIError {
        invalidRequest(
            "Missing required parameter: '\(parameter)'.",
            parameter: parameter,
            code: "missing_required_parameter"
        )
    }

    /// A member has a value of the wrong kind; `expected` reads like "a number".
    static func invalidType(
        _ parameter: String,
        expected: String,
        value: JSONValue
    ) -> APIError {
        let article = "aeiou".contains(value.kindName.prefix(1)) ? "an" : "a"
        let actual = value.isNull ? "null" : "\(article) \(value.kindName)"
        return invalidRequest(
            "Invalid type for '\(parameter)': expected \(expected), but got \(actual) instead.",
            parameter: parameter,
            code: "invalid_type"
        )
    }

    /// A list that needs elements has none.
    static func emptyArray(_ parameter: String) -> APIError {
        invalidRequest(
            "Invalid '\(parameter)': empty array. Expected an array with minimum length 1.",
            parameter: parameter,
            code: "empty_array"
        )
    }

    /// A text that needs characters has none.
    static func emptyString(_ parameter: String) -> APIError {
        invalidRequest(
            "Invalid '\(parameter)': an empty string has nothing to read. Leave it out or send text.",
            parameter: parameter,
            code: "empty_string"
        )
    }

    /// A list is too long.
    static func tooManyElements(_ parameter: String, _ count: Int, limit: Int) -> APIError {
        invalidRequest(
            "Invalid '\(parameter)': array too long. Expected an array with maximum length \(limit), "
                + "but got an array with length \(count) instead; send it in several requests.",
            parameter: parameter,
            code: "array_above_max_length"
        )
    }

    /// A number lies outside its range.
    static func outOfRange(
        _ parameter: String,
        value: some CustomStringConvertible,
        isBelow: Bool,
        limit: some CustomStringConvertible,
        isInteger: Bool
    ) -> APIError {
        let kind = isInteger ? "integer" : "decimal"
        return invalidRequest(
            "Invalid '\(parameter)': expected a value \(isBelow ? ">=" : "<=") \(limit), "
                + "but got \(value) instead.",
            parameter: parameter,
            code: "\(kind)_\(isBelow ? "below_min" : "above_max")_value"
        )
    }

    /// A member of OpenAI's API that this server does not know how to honour.
    static func unsupported(_ parameter: String, reason: String) -> APIError {
        invalidRequest(
            "Unsupported parameter: '\(parameter)' \(reason).",
            parameter: parameter,
            code: "unsupported_parameter"
        )
    }

    /// A member has a value that this server does not know how to honour.
    static func unsupportedValue(_ parameter: String, reason: String) -> APIError {
        invalidRequest(
            "Unsupported value for '\(parameter)': \(reason).",
            parameter: parameter,
            code: "unsupported_value"
        )
    }
}

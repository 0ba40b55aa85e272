extension JSONValue {
    /// Reads one JSON document (RFC 8259) that fills `bytes`, white space around it allowed.
    ///
    /// Strings must be valid UTF-8; an escaped surrogate without its partner becomes U+FFFD. Of duplicate
    /// names the last value wins at the first position. Safe from any thread.
    ///
    /// - Parameters:
    ///   - bytes: The whole document.
    ///   - limits: Bounds on size, depth and number of values.
    /// - Returns: The document's value.
    /// - Throws: `JSONError` with the byte offset and the path of the value that was being read.
    /// - Complexity: O(bytes), one pass.
    package static func parse(
        _ bytes: [UInt8],
        limits: JSONLimits = .default
    ) throws(JSONError) -> JSONValue {
        try parse(bytes.span, limits: limits)
    }

    /// Reads one JSON document from a span; see `parse(_:limits:)` on arrays.
    package static func parse(
        _ bytes: Span<UInt8>,
        limits: JSONLimits = .default
    ) throws(JSONError) -> JSONValue {
        var parser = JSONParser(limits: limits)
        return try parser.parseDocument(bytes)
    }

    /// Reads one JSON document from a string; see `parse(_:limits:)` on arrays.
    package static func parse(
        _ text: String,
        limits: JSONLimits = .default
    ) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8), limits: limits)
    }
}

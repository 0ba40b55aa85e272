package import JSON

/// Feeds arbitrary bytes to the JSON reader.
///
/// What it reads must come back equal after writing it, compact and pretty; an error must name a place
/// inside the text.
package func fuzzJSON(_ bytes: [UInt8]) {
    do throws(JSONError) {
        let value = try JSONValue.parse(bytes)
        let compact = value.serializedBytes()
        precondition(try JSONValue.parse(compact) == value, "writing changed the value")
        precondition(
            try JSONValue.parse(value.serializedBytes(pretty: true)) == value,
            "pretty writing changed the value"
        )
        precondition(
            try JSONValue.parse(compact).serializedBytes() == compact,
            "the compact form is not stable"
        )
    } catch {
        precondition((0...bytes.count).contains(error.byteOffset), "an error has no place")
    }
}

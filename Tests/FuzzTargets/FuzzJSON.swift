import JSON

/// Feeds arbitrary bytes to the JSON reader.
///
/// What it reads must come back equal after writing it, compact and pretty; an error must name a place
/// inside the text.
func fuzzJSON(_ bytes: [UInt8]) {
    do throws(JSONError) {
        let value = try JSONValue.parse(bytes)
        let compact = value.serializedBytes()
        let again = try JSONValue.parse(compact)
        precondition(again == value, "writing changed the value")
        precondition(again.serializedBytes() == compact, "the compact form is not stable")
        let pretty = try JSONValue.parse(value.serializedBytes(pretty: true))
        precondition(pretty == value, "pretty writing changed the value")
    } catch {
        precondition((0...bytes.count).contains(error.byteOffset), "an error has no place")
    }
}

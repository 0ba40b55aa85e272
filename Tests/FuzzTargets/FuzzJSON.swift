import JSON

/// A document: parse, write, parse again; nothing has changed.
func fuzzJSON(_ bytes: [UInt8]) {
    guard let value = try? JSONValue.parse(bytes) else { return }
    for pretty in [false, true] {
        let again = try? JSONValue.parse(value.serializedBytes(pretty: pretty))
        precondition(again == value, "a document survives being written and read")
    }
}

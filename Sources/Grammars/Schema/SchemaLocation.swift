import JSON

/// A schema and where it stands in the document.
struct SchemaLocation: Sendable, Hashable {
    let path: JSONPath
    let value: JSONValue

    // A place has one schema, so that it suffices to compare places.
    static func == (left: Self, right: Self) -> Bool { left.path == right.path }
    func hash(into hasher: inout Hasher) { hasher.combine(path) }

    func member(_ key: String) -> SchemaLocation? {
        value[key].map { SchemaLocation(path: path.appending(key: key), value: $0) }
    }

    /// The elements of a member that is an array of schemas.
    func elements(_ key: String) -> [SchemaLocation]? {
        guard let elements = value[key]?.arrayValue else { return nil }
        let path = path.appending(key: key)
        return elements.enumerated().map { index, value in
            SchemaLocation(path: path.appending(index: index), value: value)
        }
    }

    /// The members of a member that is an object of schemas, in order.
    func members(_ key: String) -> [(key: String, schema: SchemaLocation)]? {
        guard let object = value[key]?.objectValue else { return nil }
        let path = path.appending(key: key)
        return object.members.map { member in
            let location = SchemaLocation(
                path: path.appending(key: member.key),
                value: member.value
            )
            return (member.key, location)
        }
    }
}

/// The fields of a message in their order; names compare without regard to case (RFC 9110 §5.1).
package struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One field: the name as written, the value without the white space around it.
    package struct Field: Sendable, Hashable {
        /// The name as written.
        package let name: String
        /// The value without the white space around it.
        package let value: String
    }

    /// All fields in order.
    package private(set) var fields: [Field] = []

    /// No fields.
    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// The number of fields.
    package var count: Int { fields.count }

    /// The value of the first field of that name.
    ///
    /// - Complexity: O(*n*) in the number of fields.
    package subscript(first name: String) -> String? {
        fields.first { Self.isSame($0.name, name) }?.value
    }

    /// The values of all fields of that name, in order.
    package subscript(all name: String) -> [String] {
        fields.filter { Self.isSame($0.name, name) }.map(\.value)
    }

    /// Whether there is a field of that name.
    package func contains(_ name: String) -> Bool {
        fields.contains { Self.isSame($0.name, name) }
    }

    /// Adds a field after the others, even if one of that name is there.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Removes the fields of that name and adds this one at the end.
    package mutating func replace(_ name: String, _ value: String) {
        remove(name)
        add(name, value)
    }

    /// Removes all fields of that name.
    package mutating func remove(_ name: String) {
        fields.removeAll { Self.isSame($0.name, name) }
    }

    /// The members of a comma-separated list field, lower case, over all fields of that name.
    package func listMembers(_ name: String) -> [String] {
        self[all: name].flatMap { $0.split(separator: ",") }
            .map { member in
                String(decoding: member.utf8.filter { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self)
                    .lowercased()
            }
            .filter { !$0.isEmpty }
    }

    static func isSame(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        let left = left.utf8.span
        let right = right.utf8.span
        for index in left.indices where lowercased(left[index]) != lowercased(right[index]) {
            return false
        }
        return true
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    }
}

extension HTTPHeaders: Sequence {
    package func makeIterator() -> IndexingIterator<[Field]> { fields.makeIterator() }
}

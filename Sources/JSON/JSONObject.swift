/// The members of a JSON object in the order in which they came.
///
/// Setting a key that exists keeps its position, so of duplicate keys the last value wins at the first
/// position. Two objects are equal when they hold equal members, whatever their order.
package struct JSONObject: Sendable {
    /// Name and value of each member, in order; names are unique.
    package private(set) var members: [(key: String, value: JSONValue)] = []
    /// Position by name; present once there are more members than a linear search handles well.
    private var positions: [Name: Int]?

    private static let linearSearchLimit = 8

    /// Makes an empty object.
    package init() {}

    /// Takes the members in order; of duplicate names the last value wins at the first position.
    package init(_ members: some Swift.Sequence<(String, JSONValue)>) {
        for (key, value) in members { set(key, to: value) }
    }

    /// The number of members.
    package var count: Int { members.count }

    /// Whether there is no member.
    package var isEmpty: Bool { members.isEmpty }

    /// The names in order.
    package var keys: [String] { members.map(\.key) }

    /// The values in order.
    package var values: [JSONValue] { members.map(\.value) }

    /// The value of a member; setting adds or replaces it, setting nil removes it.
    ///
    /// - Complexity: O(1) to read and set, O(count) to remove.
    package subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            if let newValue { set(key, to: newValue) } else { remove(key) }
        }
    }

    /// Adds a member or replaces the value of the one with this name, in place.
    package mutating func set(_ key: String, to value: JSONValue) {
        if let position = position(of: key) {
            members[position].value = value
            return
        }
        members.append((key, value))
        if positions != nil {
            positions?[Name(text: key)] = members.count - 1
        } else if members.count > Self.linearSearchLimit {
            positions = Self.index(members)
        }
    }

    private mutating func remove(_ key: String) {
        guard let position = position(of: key) else { return }
        members.remove(at: position)
        if positions != nil { positions = Self.index(members) }
    }

    private func position(of key: String) -> Int? {
        let name = Name(text: key)
        if let positions { return positions[name] }
        return members.firstIndex { Name(text: $0.key) == name }
    }

    private static func index(_ members: [(key: String, value: JSONValue)]) -> [Name: Int] {
        var positions = [Name: Int](minimumCapacity: members.count)
        for (position, member) in members.enumerated() {
            positions[Name(text: member.key)] = position
        }
        return positions
    }
}

/// A member's name, equal to another if all code points are: two strings are equal in Swift as well if
/// they are only canonically equivalent, which vocabularies' tokens may be.
private struct Name: Hashable {
    let text: String

    static func == (left: Name, right: Name) -> Bool {
        left.text == right.text && left.text.utf8.elementsEqual(right.text.utf8)
    }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        return left.members.allSatisfy { right[$0.key] == $0.value }
    }

    package func hash(into hasher: inout Hasher) {
        // Members are combined by addition, because equality does not look at their order.
        var sum = 0
        for (key, value) in members {
            var member = Hasher()
            member.combine(key)
            member.combine(value)
            sum &+= member.finalize()
        }
        hasher.combine(count)
        hasher.combine(sum)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

extension JSONObject: CustomStringConvertible {
    package var description: String { JSONValue.object(self).serialized() }
}

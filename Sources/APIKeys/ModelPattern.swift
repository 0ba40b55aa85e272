/// A pattern for the names of models: `*` stands for any characters, `?` for one.
///
/// Names are compared in lower case.
package struct ModelPattern: Sendable, Hashable {
    /// As it was written.
    package let text: String
    private let characters: [Character]

    /// A pattern; every text is one.
    package init(_ text: String) {
        self.text = text
        characters = Array(text.lowercased())
    }

    /// Whether the whole name fits.
    ///
    /// - Complexity: O(name × pattern) at most, whatever the pattern: only the last `*` is tried
    ///   again.
    package func matches(_ name: String) -> Bool {
        let name = Array(name.lowercased())
        var (place, index) = (0, 0)
        var retry: (place: Int, index: Int)?
        while index < name.count {
            if place < characters.count, characters[place] == "*" {
                retry = (place + 1, index)
                place += 1
            } else if place < characters.count,
                characters[place] == "?" || characters[place] == name[index]
            {
                place += 1
                index += 1
            } else if let last = retry {
                retry = (last.place, last.index + 1)
                (place, index) = (last.place, last.index + 1)
            } else {
                return false
            }
        }
        return characters[place...].allSatisfy { $0 == "*" }
    }
}

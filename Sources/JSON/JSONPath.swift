/// Where a value stands in a document, printed as `messages[3].content`.
package struct JSONPath: Sendable, Hashable, CustomStringConvertible {
    /// One step down: into an object's member or an array's element.
    package enum Element: Sendable, Hashable {
        case key(String)
        case index(Int)
    }

    /// The steps from the root downwards; empty for the document itself.
    package private(set) var elements: [Element]

    /// Makes a path from its steps, the root's own path by default.
    package init(_ elements: [Element] = []) { self.elements = elements }

    /// The path of a member of the object at this path.
    package func appending(key: String) -> JSONPath { JSONPath(elements + [.key(key)]) }

    /// The path of an element of the array at this path.
    package func appending(index: Int) -> JSONPath { JSONPath(elements + [.index(index)]) }

    /// Puts a step in front, which is how a path is built while an error travels up.
    mutating func prepend(_ element: Element) { elements.insert(element, at: 0) }

    /// The steps joined as clients of OpenAI's API know them; names that are no identifiers are quoted
    /// in brackets, and a name longer than 64 characters is cut.
    package var description: String {
        var text = ""
        for element in elements {
            switch element {
            case .index(let index):
                text += "[\(index)]"
            case .key(let key) where Self.isPlain(key):
                text += text.isEmpty ? key : "." + key
            case .key(let key):
                let shown = key.count > 64 ? key.prefix(64) + "…" : key[...]
                text += "[" + JSONValue.string(String(shown)).serialized() + "]"
            }
        }
        return text
    }

    private static func isPlain(_ key: String) -> Bool {
        !key.isEmpty && key.utf8.count <= 64
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default:
                    false
                }
            }
    }
}

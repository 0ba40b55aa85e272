/// Why a grammar cannot be used, with the place at fault.
package struct GrammarError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where in the request: the path of a schema's keyword or of the field that holds the grammar,
    /// such as `response_format.json_schema.schema.properties.x.not`.
    package var path: String
    /// What is wrong and what would work, as a sentence.
    package var reason: String

    /// Makes an error.
    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}

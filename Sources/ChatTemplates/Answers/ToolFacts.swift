/// What the parser of calls needs to know of a tool.
package struct ToolFacts: Sendable, Hashable {
    /// The function's name.
    package var name: String
    /// The JSON types that each parameter may have, as its schema names them; absent if the schema
    /// does not say.
    package var parameterTypes: [String: Set<String>]

    /// Makes facts.
    package init(name: String, parameterTypes: [String: Set<String>] = [:]) {
        self.name = name
        self.parameterTypes = parameterTypes
    }
}

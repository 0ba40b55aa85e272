/// What a key may be used for.
package enum KeyScope: String, Sendable, Hashable, CaseIterable {
    /// Generating and everything else that needs a model's computing.
    case infer
    /// Looking at the server: its state, its models and requests, metrics.
    case read
    /// Changing it: loading, unloading, keys, the configuration; includes the two others.
    case admin

    /// All names, for a sentence that says what may be written.
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension Set<KeyScope> {
    /// Whether a key with these scopes may do what needs `scope`.
    package func allows(_ scope: KeyScope) -> Bool { contains(scope) || contains(.admin) }
}

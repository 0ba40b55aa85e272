/// What can be asked of a model.
package enum ModelTask: UInt8, Sendable, Hashable, CaseIterable {
    /// Text that goes on from a prompt.
    case generate
    /// A vector of a text.
    case embed
    /// How well a text answers a query.
    case rerank

    /// As the API and the metrics call it.
    package var name: String {
        switch self {
        case .generate: "generate"
        case .embed: "embed"
        case .rerank: "rerank"
        }
    }
}

package import HTTP

/// One operation of the HTTP API.
package struct Route: Sendable, Hashable {
    /// What answers it.
    package enum Endpoint: Sendable, Hashable, CaseIterable {
        case chatCompletions
        case completions
        case embeddings
        case rerank
        case inputTokens
        case models
        case model
        case tokenize
        case detokenize
        case applyTemplate
        case root
        case liveness
        case readiness
        case health
        case version
        case openAPI
        case metrics
        case adminStatus
        case adminModels
        case listAdapters
        case addAdapter
        case removeAdapter
        case adminModel
        case loadModel
        case unloadModel
        case pinModel
        case unpinModel
        case planLoad
        case adminEvents
        case reload
        case routerLoad
        case routerUnload
        case routerEvents
        case swapRunning
        case swapUnloadAll
        case swapUnloadModels
        case swapUnload
        case studioModels
        case studioLoad
        case studioUnload
        case adminRequests
        case cancelRequest
        case listKeys
        case addKey
        case revokeKey
        case usage
    }

    /// Who may call it, where keys are asked for.
    package enum Access: Sendable, Hashable, CaseIterable {
        /// Everybody, also without a key: probes and the description of the API.
        case open
        /// Whoever has a key.
        case key
        /// A key with the scope `infer`.
        case infer
        /// A key with the scope `read`.
        case read
        /// A key with the scope `admin`.
        case admin
        /// The same; where keys are not asked for, the admin socket alone.
        case keys
    }

    /// GET routes also answer HEAD.
    package let method: HTTPMethod
    /// The path as openapi.yaml writes it.
    ///
    /// A `{parameter}` takes everything up to the end, or to the segments behind it, separators included,
    /// because model ids may contain `/`. A second one at the end takes one segment.
    package let path: String
    /// What answers it.
    package let endpoint: Endpoint
    /// Who may call it.
    package let access: Access

    init(_ method: HTTPMethod, _ path: String, _ endpoint: Endpoint, _ access: Access) {
        self.method = method
        self.path = path
        self.endpoint = endpoint
        self.access = access
    }
}

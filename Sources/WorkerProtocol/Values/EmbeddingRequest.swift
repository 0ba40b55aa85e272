/// Texts of which a model shall make vectors, or scores beside a query, as the worker takes them.
///
/// Everything the gateway could check has been checked; the worker checks what it alone knows (each
/// text's tokens against the context length) and again what must hold for its own sake.
package struct EmbeddingRequest: Sendable, Hashable {
    /// The gateway's number for it.
    package var id: UInt64
    /// What is made of which texts.
    package var work: Work
    /// The name of the adapter that it is computed with; nil: the model alone.
    package var adapter: String?
    /// Who is charged for it.
    package var account: GenerationAccount
    /// How long it may wait for the first step of any of its texts; nil: as long as it takes.
    package var queueTimeout: Duration?

    /// What is made of the texts of one request.
    package enum Work: Sendable, Hashable {
        /// A vector of each input; whether the client sent them as a list tells how to name them.
        case embed([Input], isList: Bool = true)
        /// How well each document answers the query: one number each.
        case rerank(query: String, documents: [String])

        /// Texts, each of which is answered by one `embedded` event.
        package var count: Int {
            switch self {
            case .embed(let inputs, _): inputs.count
            case .rerank(_, let documents): documents.count
            }
        }

        /// What a model must be able to do for it.
        package var task: ModelTask {
            switch self {
            case .embed: .embed
            case .rerank: .rerank
            }
        }
    }

    /// One text, before the worker has encoded it.
    package enum Input: Sendable, Hashable {
        /// Plain text; the worker adds the tokens that the model wants around it. Control tokens are
        /// not recognised in it.
        case text(String)
        /// Token ids, used as they are.
        case tokens([Int32])
    }

    /// Makes a request; everything left out is off.
    package init(
        id: UInt64 = 0,
        work: Work,
        adapter: String? = nil,
        account: GenerationAccount = GenerationAccount(),
        queueTimeout: Duration? = nil
    ) {
        self.id = id
        self.work = work
        self.adapter = adapter
        self.account = account
        self.queueTimeout = queueTimeout
    }
}

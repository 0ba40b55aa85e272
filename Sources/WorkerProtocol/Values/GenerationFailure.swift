/// Why a generation (or a tokenisation) ended badly; the gateway maps the kind to a status.
package struct GenerationFailure: Error, Sendable, Hashable {
    /// Who is to blame, for the gateway's status and error code.
    package enum Kind: Sendable, Hashable {
        /// The prompt alone does not fit; lengths in tokens.
        case contextLengthExceeded(promptTokenCount: Int, contextLength: Int)
        /// A text to embed is longer than the model can read; lengths in tokens, `parameter` is its
        /// place in the request.
        case textTooLong(parameter: String, tokenCount: Int, contextLength: Int)
        /// The request is wrong; `parameter` is its wire name if one is to blame.
        case invalidRequest(parameter: String?)
        /// The chat template refused the conversation, or the model has none.
        case templateFailed
        /// There is no room for it in the queue, for its key or for all; try again later.
        case overloaded(AdmissionState)
        /// It waited for its first step as long as it may.
        case queueTimeout(AdmissionState)
        /// The model computed a NaN or an infinity.
        case nonFiniteLogits
        /// The model has no adapter of that name.
        case unknownAdapter
        /// The adapter's file does not fit the model.
        case unusableAdapter
        /// There is no memory for what was asked for.
        case insufficientMemory
        /// The worker process ended; made by the gateway.
        case workerDied
        /// A defect on our side.
        case internalFailure
    }

    /// Who is to blame.
    package var kind: Kind
    /// One sentence that may be shown to the client.
    package var message: String

    /// Makes a value.
    package init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }
}

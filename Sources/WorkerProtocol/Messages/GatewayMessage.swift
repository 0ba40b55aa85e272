/// What the gateway tells a worker.
///
/// `load` comes first and once. Afterwards generations, cancellations and questions may come in
/// any order; ids are the gateway's and are unique among what is unanswered. Closing the socket
/// means the same as `stop`.
package enum GatewayMessage: Sendable, Hashable {
    /// Load this model; answered by `footprint`, or by `loadFailed` if the file is no model.
    case load(WorkerLoadOptions)
    /// What the footprint says may be allocated; answered by `loading` and then `ready` or
    /// `loadFailed`.
    case memoryReserved
    /// Start a generation; answered by its events.
    case generate(GenerationRequest)
    /// Make vectors or scores of texts; answered by events, `embedded` in the place of deltas.
    case embed(EmbeddingRequest)
    /// End a generation or an embedding after the running step; answered by its
    /// `finished(.cancelled)` event, or by nothing if it has already ended.
    case cancel(id: UInt64)
    /// Encode text; answered by `tokens` or `requestFailed`. `addsBeginningToken` puts the
    /// beginning token first if the model has one.
    case tokenize(id: UInt64, text: String, specialTokens: Bool, addsBeginningToken: Bool)
    /// Turn tokens into text; answered by `text` or `requestFailed`.
    case detokenize(id: UInt64, tokens: [Int32])
    /// Tell the bytes of each token; answered by `pieces` or `requestFailed`.
    case pieces(id: UInt64, tokens: [Int32])
    /// Render the chat template only; answered by `text` or `requestFailed`.
    case applyTemplate(id: UInt64, ChatPrompt)
    /// Count a prompt's tokens, those included that the model wants around it; answered by
    /// `tokenCount` or `requestFailed`.
    case countTokens(id: UInt64, Prompt)
    /// The answer to `memoryWanted`: this much may be used besides what was granted before; 0 if
    /// there is none now.
    case memoryGranted(byteCount: Int)
    /// Others need memory: forget what is only kept for later prompts; answered by `memoryReturned`
    /// with what that freed, also if it is nothing.
    case memoryNeeded
    /// Use an adapter, also in the place of another of its name; answered by `adapterSized`, or by
    /// `requestFailed` if it does not fit the model.
    case attachAdapter(id: UInt64, AdapterSource)
    /// Whether what `adapterSized` says may be allocated; answered by `adapterAttached` or
    /// `requestFailed`.
    case adapterReserved(id: UInt64, isGranted: Bool)
    /// Give no further request this adapter; its memory is returned once the last one has ended.
    case detachAdapter(name: String)
    /// End the process.
    case stop
}

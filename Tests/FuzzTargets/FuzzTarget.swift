/// What fuzzers do with an input: one function for each parser of untrusted bytes.
///
/// A body must not trap, whatever the bytes are, and checks what must hold if they are accepted.
/// `Tests/run-fuzzers` runs each for a while under libFuzzer; `FuzzTargetsTests` replays the inputs
/// that once failed (its folder `Golden`).
package enum FuzzTarget: String, CaseIterable, Sendable {
    case answerParser = "AnswerParser"
    case chatTemplate = "ChatTemplate"
    case gguf = "GGUF"
    case grammar = "Grammar"
    case json = "JSON"
    case modelFolder = "ModelFolder"
    case requestParser = "RequestParser"
    case serverSentEvents = "ServerSentEvents"
    case tokenizer = "Tokenizer"
    case workerProtocol = "WorkerProtocol"

    /// Runs the body on one input.
    package func run(_ bytes: [UInt8]) {
        switch self {
        case .answerParser: fuzzAnswerParser(bytes)
        case .chatTemplate: fuzzChatTemplate(bytes)
        case .gguf: fuzzGGUF(bytes)
        case .grammar: fuzzGrammar(bytes)
        case .json: fuzzJSON(bytes)
        case .modelFolder: fuzzModelFolder(bytes)
        case .requestParser: fuzzRequestParser(bytes)
        case .serverSentEvents: fuzzServerSentEvents(bytes)
        case .tokenizer: fuzzTokenizer(bytes)
        case .workerProtocol: fuzzWorkerProtocol(bytes)
        }
    }
}

import Tokenizers
import WorkerProtocol

/// Turns the tokens of one sequence into deltas: text that is complete, and log-probabilities
/// beside the text they belong to.
///
/// A token's log-probability leaves together with the token's last byte, so the tokens of a stop
/// string are not reported either. A token that straddles the output's end is.
struct OutputAssembler: Sendable {
    private var detokenizer: IncrementalDetokenizer
    private var matcher: StopStringMatcher
    /// Text that may leave.
    private var text: [UInt8] = []
    /// Log-probabilities that may leave.
    private var logprobs: [TokenLogprob] = []
    /// Log-probabilities whose text has not left, with the range of their bytes in the text.
    private var waiting: [(logprob: TokenLogprob, bytes: Range<Int>)] = []
    /// Whether a stop string was found: nothing leaves any more than what may.
    private var isEnded = false
    /// Bytes the detokenizer has given.
    private var producedByteCount = 0
    /// Bytes of those that have left or may leave.
    private var releasedByteCount = 0

    init(tokenizer: Tokenizer, stopStrings: [String]) {
        detokenizer = IncrementalDetokenizer(tokenizer: tokenizer)
        matcher = StopStringMatcher(stopStrings)
    }

    /// Takes a token of an echoed prompt; stop strings are not looked for in it.
    mutating func echo(_ token: Int32, logprob: TokenLogprob?) {
        let bytes = detokenizer.append(token)
        producedByteCount += bytes.count
        releasedByteCount += bytes.count
        text += bytes
        if let logprob { logprobs.append(logprob) }
    }

    /// Takes a token of the output.
    ///
    /// - Returns: Whether a stop string ends the output; nothing may follow then.
    mutating func append(_ token: Int32, logprob: TokenLogprob?) -> Bool {
        let bytes = detokenizer.append(token)
        let start = producedByteCount
        producedByteCount += bytes.count
        if let logprob { waiting.append((logprob, start..<producedByteCount)) }
        let (released, isComplete) = matcher.append(bytes)
        release(released)
        if isComplete {
            isEnded = true
            logprobs += waiting.filter { $0.bytes.lowerBound < releasedByteCount }.map(\.logprob)
            waiting = []
        }
        return isComplete
    }

    /// Ends the output: unless a stop string did, everything held back may leave.
    ///
    /// Not so the first bytes of a character that a token limit cut in two: they are no text, and
    /// clients take a replacement character for damage.
    mutating func finish() {
        if isEnded { return }
        release(matcher.finish())
        logprobs += waiting.map(\.logprob)
        waiting = []
    }

    /// What may leave and has not left yet, or nil if that is nothing.
    mutating func takeDelta() -> GenerationEvent? {
        if text.isEmpty, logprobs.isEmpty { return nil }
        defer {
            text = []
            logprobs = []
        }
        return .delta(text: String(decoding: text, as: UTF8.self), tokens: logprobs)
    }

    private mutating func release(_ bytes: [UInt8]) {
        text += bytes
        releasedByteCount += bytes.count
        let count = waiting.prefix { $0.bytes.upperBound <= releasedByteCount }.count
        logprobs += waiting.prefix(count).map(\.logprob)
        waiting.removeFirst(count)
    }
}

import ChatTemplates
import Tokenizers
import WorkerProtocol

/// Turns the tokens of one sequence into deltas: text that is complete, reasoning and calls told apart
/// if there is a parser for them, and log-probabilities beside the text they belong to.
///
/// Stop strings are looked for in the text for the reader only, so that none of them cuts a thought or
/// a call in two.
struct OutputAssembler: Sendable {
    private let tokenizer: Tokenizer
    private let stopStrings: [String]
    private var detokenizer: IncrementalDetokenizer
    private var matcher: StopStringMatcher
    private var parser: AnswerParser?
    private var events: [GenerationEvent] = []
    /// Content that may leave.
    private var text: [UInt8] = []
    /// Log-probabilities that may leave.
    private var logprobs: [TokenLogprob] = []
    private var queue: LogprobQueue
    /// Where the content that the matcher holds is in the output.
    private var held: [Range<Int>] = []
    /// Whether a stop string was found: nothing leaves any more than what may.
    private var isEnded = false
    /// Bytes the detokenizer has given.
    private var producedByteCount = 0
    /// Bytes that were echoed before the output.
    private var echoedByteCount = 0
    private var startedCallCount = 0
    /// Whole calls in the output so far.
    private(set) var callCount = 0
    /// Tokens of reasoning in the output so far.
    private(set) var reasoningTokenCount = 0

    init(
        tokenizer: Tokenizer,
        stopStrings: [String],
        parser: AnswerParser? = nil,
        continuesText: Bool = true
    ) {
        self.tokenizer = tokenizer
        self.stopStrings = stopStrings
        self.parser = parser
        // Markers may be control tokens; the parser sees to it that they never become text.
        detokenizer = IncrementalDetokenizer(
            tokenizer: tokenizer,
            controlTokens: parser != nil,
            continuesText: continuesText
        )
        matcher = StopStringMatcher(stopStrings)
        queue = LogprobQueue(isSelective: parser != nil)
    }

    /// Whether the next token is reasoning.
    var isReasoning: Bool { parser?.isReasoning ?? false }

    /// Takes a token of an echoed prompt; stop strings are not looked for in it.
    mutating func echo(_ token: Int32, logprob: TokenLogprob?) {
        let bytes = detokenizer.append(token)
        producedByteCount += bytes.count
        echoedByteCount = producedByteCount
        text += bytes
        if let logprob { logprobs.append(logprob) }
    }

    /// Takes a token of the output.
    ///
    /// - Returns: Whether the output ends with it: a stop string does that, and the last call that is
    ///   allowed. Nothing may follow then.
    mutating func append(_ token: Int32, logprob: TokenLogprob?) -> Bool {
        if isReasoning { reasoningTokenCount += 1 }
        let isControl = parser != nil && tokenizer.isControl(token)
        let bytes = detokenizer.append(token)
        let start = producedByteCount
        producedByteCount += bytes.count
        if let logprob { queue.append(logprob, bytes: start..<producedByteCount) }
        if let pieces = parser?.append(bytes, isControl: isControl) {
            for piece in pieces where !isEnded { take(piece) }
        } else {
            takeContent(bytes, at: start)
        }
        settle()
        return isEnded || parser?.isComplete ?? false
    }

    /// Ends the output: unless a stop string did, everything held back may leave.
    ///
    /// Not so the first bytes of a character that a token limit cut in two: they are no text, and
    /// clients take a replacement character for damage.
    ///
    /// - Parameter isCut: Whether the output ends before the model ended it.
    mutating func finish(isCut: Bool) {
        if isEnded { return }
        for piece in parser?.finish(isCut: isCut) ?? [] where !isEnded { take(piece) }
        if !isEnded { leave(matcher.finish()) }
        logprobs += queue.finish()
    }

    /// What may leave and has not left yet, in order.
    mutating func takeDeltas() -> [GenerationEvent] {
        flushText()
        defer { events = [] }
        return events
    }

    // MARK: Parts

    private mutating func take(_ piece: AnswerPiece) {
        if case .content(let bytes, let position) = piece {
            return takeContent(bytes, at: echoedByteCount + position)
        }
        // The content before it cannot go on to a stop string.
        let before = matcher.finish()
        if !before.isEmpty {
            matcher = StopStringMatcher(stopStrings)
            leave(before)
        }
        flushText()
        switch piece {
        case .content: break
        case .reasoning(let bytes):
            events.append(.reasoning(text: String(decoding: bytes, as: UTF8.self)))
        case .callStarted(let name):
            events.append(.toolCall(index: startedCallCount, name: name))
            startedCallCount += 1
        case .callArguments(let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            events.append(.toolArguments(index: startedCallCount - 1, text: text))
        case .callEnded: callCount += 1
        }
    }

    private mutating func takeContent(_ bytes: [UInt8], at position: Int) {
        if !bytes.isEmpty { held.append(position..<(position + bytes.count)) }
        let (released, isComplete) = matcher.append(bytes)
        leave(released)
        if isComplete {
            isEnded = true
            held = []
            logprobs += queue.finish()
        }
    }

    private mutating func leave(_ bytes: [UInt8]) {
        text += bytes
        var count = bytes.count
        while count > 0, let range = held.first {
            let end = min(range.upperBound, range.lowerBound + count)
            queue.release(range.lowerBound..<end)
            count -= end - range.lowerBound
            if end == range.upperBound {
                held.removeFirst()
            } else {
                held[0] = end..<range.upperBound
            }
        }
    }

    private mutating func settle() {
        if isEnded { return }
        let decided = parser.map { echoedByteCount + $0.decidedByteCount } ?? producedByteCount
        logprobs += queue.settle(upTo: held.first?.lowerBound ?? decided)
    }

    private mutating func flushText() {
        if text.isEmpty, logprobs.isEmpty { return }
        events.append(.delta(text: String(decoding: text, as: UTF8.self), tokens: logprobs))
        text = []
        logprobs = []
    }
}

import WorkerProtocol

/// Log-probabilities on their way out: each waits until its token's last byte may leave.
///
/// Those of a stop string are not reported; that of a token which straddles the output's end is. Where
/// parts of the output are no text for the reader (reasoning, calls, markers), tokens without a byte of
/// such text are not reported either.
struct LogprobQueue: Sendable {
    /// Whether some of the output's bytes are no content.
    private let isSelective: Bool
    private var waiting: [(logprob: TokenLogprob, bytes: Range<Int>)] = []
    /// Content that may leave, in order, as far as tokens that wait can have part in it.
    private var content: [Range<Int>] = []

    init(isSelective: Bool) {
        self.isSelective = isSelective
    }

    /// Takes the next token and where its bytes are in the output.
    mutating func append(_ logprob: TokenLogprob, bytes: Range<Int>) {
        waiting.append((logprob, bytes))
    }

    /// Notes content that may leave.
    mutating func release(_ range: Range<Int>) {
        if let last = content.last, last.upperBound == range.lowerBound {
            content[content.count - 1] = last.lowerBound..<range.upperBound
        } else {
            content.append(range)
        }
    }

    /// The log-probabilities that may leave, now that the bytes before `position` have left or never
    /// will.
    mutating func settle(upTo position: Int) -> [TokenLogprob] {
        var settled: [TokenLogprob] = []
        var count = 0
        for (logprob, bytes) in waiting {
            // A token without bytes belongs to the character that the next token goes on with.
            let end = isSelective ? max(bytes.upperBound, bytes.lowerBound + 1) : bytes.upperBound
            guard end <= position else { break }
            if !isSelective || isContent(bytes.lowerBound..<end) { settled.append(logprob) }
            count += 1
        }
        waiting.removeFirst(count)
        let start = waiting.first?.bytes.lowerBound ?? position
        content.removeAll { $0.upperBound < start }
        return settled
    }

    /// Ends the output: the log-probabilities of what has left, and of a last character that is not
    /// complete.
    mutating func finish() -> [TokenLogprob] {
        let end = content.last?.upperBound ?? 0
        defer { waiting = [] }
        return waiting.filter { isContent($0.bytes) || $0.bytes == end..<end }.map(\.logprob)
    }

    private func isContent(_ bytes: Range<Int>) -> Bool { content.contains { $0.overlaps(bytes) } }
}

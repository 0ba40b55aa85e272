extension Tokenizer {
    /// The tokens of a text, without a beginning token.
    ///
    /// With `specialTokens`, names of control tokens in the text become those tokens; pass that for
    /// text from a trusted author only.
    ///
    /// - Complexity: O(n log n) in the bytes of the text.
    package func encode(_ text: String, specialTokens: Bool = false) -> [TokenID] {
        encode(PromptText(runs: [PromptText.Run(text: text, isTrusted: specialTokens)]))
    }

    /// The tokens of a prompt, without a beginning token.
    ///
    /// Control tokens are recognised inside trusted runs, user-defined tokens everywhere. What lies
    /// between is split and merged as one text across the runs, as if nobody had marked them.
    ///
    /// - Complexity: O(n log n) in the bytes of the text.
    package func encode(_ prompt: PromptText) -> [TokenID] {
        var text: [UInt8] = []
        // Where each trusted stretch starts and ends, in order, neighbours joined.
        var trusted: [Range<Int>] = []
        for run in prompt.runs where !run.text.isEmpty {
            let start = text.count
            text.append(contentsOf: run.text.utf8)
            guard run.isTrusted else { continue }
            if let last = trusted.last, last.upperBound == start {
                trusted[trusted.count - 1] = last.lowerBound..<text.count
            } else {
                trusted.append(start..<text.count)
            }
        }
        return encode(text, trusted: trusted)
    }

    private func encode(_ text: [UInt8], trusted: [Range<Int>]) -> [TokenID] {
        var output: [TokenID] = []
        output.reserveCapacity(text.count / 4 + 1)
        var encoder = model.makeEncoder()
        var plainStart = 0
        var position = 0
        var trustedIndex = 0
        while position < text.count {
            while trustedIndex < trusted.count, trusted[trustedIndex].upperBound <= position {
                trustedIndex += 1
            }
            let isTrusted =
                trustedIndex < trusted.count && trusted[trustedIndex].lowerBound <= position
            let match = specialTokens.longestMatch(
                text,
                at: position,
                trustedEnd: isTrusted ? trusted[trustedIndex].upperBound : position,
                end: text.count,
                pieces: pieces
            )
            guard let match else {
                position += 1
                continue
            }
            if plainStart < position {
                encoder.encode(text, plainStart..<position, into: &output)
            }
            output.append(match.token)
            position = match.end
            plainStart = match.end
        }
        if plainStart < text.count {
            encoder.encode(text, plainStart..<text.count, into: &output)
        }
        return output
    }
}

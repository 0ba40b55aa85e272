/// Splits a model's answer, as it is generated, into content, reasoning and calls of functions.
///
/// A pure state machine over bytes, so that it makes no difference how the answer is cut. It holds
/// back no more text than what may still become a marker, and the white space before it.
///
/// What begins like a call and turns out not to be one is content, to the last byte. So that this can
/// be, a call leaves when it is whole; where a grammar makes sure that it will be (`streamsCalls`),
/// its arguments leave as they come.
package struct AnswerParser: Sendable {
    private enum Machine: Sendable {
        case marked(MarkedAnswerParser)
        case channels(ChannelAnswerParser)
    }

    private var machine: Machine

    /// Begins an answer.
    ///
    /// - Parameters:
    ///   - syntax: How the model marks the parts of its answers.
    ///   - startsInReasoning: Whether the prompt has already begun the reasoning.
    ///   - startsInContent: Whether the prompt has already begun a message for the reader.
    ///   - tools: The tools that may be called.
    ///   - streamsCalls: Whether a call that has begun is sure to be completed.
    ///   - maximumCallCount: After so many calls the answer is complete.
    package init(
        _ syntax: AnswerSyntax,
        startsInReasoning: Bool = false,
        startsInContent: Bool = false,
        tools: [ToolFacts] = [],
        streamsCalls: Bool = false,
        maximumCallCount: Int = .max
    ) {
        let calls = CallBuffer(streams: streamsCalls, maximumCount: maximumCallCount)
        if let channels = syntax.channels {
            machine = .channels(
                ChannelAnswerParser(channels, startsInContent: startsInContent, calls: calls)
            )
        } else {
            machine = .marked(
                MarkedAnswerParser(
                    syntax,
                    startsInReasoning: startsInReasoning,
                    tools: tools,
                    calls: calls
                )
            )
        }
    }

    /// Takes the next bytes.
    ///
    /// - Parameters:
    ///   - bytes: Whole UTF-8 sequences, if the pieces are to be such.
    ///   - isControl: Whether they are a control token's name: markers may be made of them, text not.
    /// - Returns: What has become certain.
    package mutating func append(_ bytes: [UInt8], isControl: Bool = false) -> [AnswerPiece] {
        switch machine {
        case .marked(var parser):
            machine = .channels(.placeholder)
            for byte in bytes { parser.consume(HeldByte(value: byte, isControl: isControl)) }
            defer { machine = .marked(parser) }
            return parser.output.take()
        case .channels(var parser):
            machine = .channels(.placeholder)
            for byte in bytes { parser.consume(HeldByte(value: byte, isControl: isControl)) }
            defer { machine = .channels(parser) }
            return parser.output.take()
        }
    }

    /// Ends the answer.
    ///
    /// - Parameter isCut: Whether it was not the model that ended it: a call that has begun is then
    ///   given as far as it goes.
    /// - Returns: What was held back.
    package mutating func finish(isCut: Bool) -> [AnswerPiece] {
        switch machine {
        case .marked(var parser):
            parser.finish(isCut: isCut)
            defer { machine = .marked(parser) }
            return parser.output.take()
        case .channels(var parser):
            parser.finish(isCut: isCut)
            defer { machine = .channels(parser) }
            return parser.output.take()
        }
    }

    /// Whether the next bytes are reasoning.
    package var isReasoning: Bool {
        switch machine {
        case .marked(let parser): parser.isReasoning
        case .channels(let parser): parser.isReasoning
        }
    }

    /// Whether the answer has all the calls it may have: nothing more is read from it.
    package var isComplete: Bool {
        switch machine {
        case .marked(let parser): parser.calls.isComplete
        case .channels(let parser): parser.calls.isComplete
        }
    }

    /// How many of the bytes taken have a meaning by now.
    package var decidedByteCount: Int {
        switch machine {
        case .marked(let parser): parser.decidedByteCount
        case .channels(let parser): parser.decidedByteCount
        }
    }
}

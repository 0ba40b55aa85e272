import HTTP
import JSON
import ModelService
import OpenAIAPI
import Platform
import WorkerProtocol

/// An answer in one JSON document.
///
/// Confined to the request's task. When it takes long, the head is sent early and white space keeps
/// the client from giving up: JSON may begin with it. An error can then only be told in the body,
/// which is OpenAI's error envelope in place of the answer.
struct WholeBody: StreamedBody {
    private(set) var reader: GenerationReader
    private let format: any AnswerFormat
    private let best: BestChoices?
    private let limits: GatewayLimits
    private var promptTokenCounts: [Int]
    private var answers: [ChatAnswer]
    private var lastWrite = MonotonicInstant.now()

    init(
        _ reader: GenerationReader,
        format: any AnswerFormat,
        choiceCount: Int,
        best: BestChoices?,
        limits: GatewayLimits
    ) {
        self.reader = reader
        self.format = format
        self.best = best
        self.limits = limits
        promptTokenCounts = Array(repeating: 0, count: choiceCount)
        answers = Array(repeating: ChatAnswer(), count: choiceCount)
    }

    /// The whole answer, or nil when it takes so long that the head must be sent now.
    mutating func collect(_ record: inout RequestRecord) async throws(APIError) -> JSONValue? {
        reader.tick(first: limits.wholeCommitDelay, every: limits.wholeCommitDelay)
        while let element = try await reader.next(&record) {
            absorb(element)
            if reader.elapsed >= limits.wholeCommitDelay { return nil }
        }
        return document
    }

    mutating func send(
        to writer: borrowing HTTPBodyWriter,
        _ record: inout RequestRecord
    ) async -> Bool {
        do throws(HTTPDisconnected) {
            reader.tick(first: limits.keepAlivePeriod, every: limits.keepAlivePeriod)
            try await writeSpace(to: writer)
            while true {
                let element: GenerationStream.Element?
                do throws(APIError) {
                    element = try await reader.next(&record)
                } catch {
                    if Task.isCancelled { return false }
                    record.errorCode = error.code
                    reader.cancel()
                    try await writer.write(error.json.serializedBytes())
                    return true
                }
                guard let element else { break }
                absorb(element)
                let silence = MonotonicInstant.now().duration(since: lastWrite)
                if element == .idle || silence >= limits.keepAlivePeriod {
                    try await writeSpace(to: writer)
                }
            }
            try await writer.write(document.serializedBytes())
            return true
        } catch {
            record.errorCode = "client_disconnected"
            reader.cancel()
            return false
        }
    }

    private mutating func writeSpace(
        to writer: borrowing HTTPBodyWriter
    ) async throws(HTTPDisconnected) {
        try await writer.write([UInt8(ascii: "\n")])
        lastWrite = .now()
    }

    private mutating func absorb(_ element: GenerationStream.Element) {
        guard case .event(let choice, let event) = element else { return }
        if case .started(let promptTokenCount, _) = event {
            promptTokenCounts[choice] = promptTokenCount
        }
        answers[choice].receive(event)
    }

    /// The answers that the client gets, in the order of their indices.
    private var chosen: [ChatAnswer] {
        guard let best else { return answers }
        let scores = zip(answers, promptTokenCounts).map { answer, promptTokenCount in
            BestChoices.score(
                answer.tokens,
                echoedCount: format.echoesPrompt ? promptTokenCount : 0
            )
        }
        return best.positions(scores: scores).map { answers[$0] }
    }

    private var document: JSONValue {
        let choices = chosen.enumerated().map { format.wholeChoice($0.offset, $0.element) }
        return format.whole(choices: choices, usage: reader.usage)
    }
}

import HTTP
import JSON
import ModelService
import OpenAIAPI
import Platform
import WorkerProtocol

/// One answer under way: reads the events of its generations and writes them in its format.
///
/// Confined to the request's task. Dropping it cancels what still runs.
struct GenerationAnswer {
    private let stream: GenerationStream
    private var iterator: GenerationStream.Iterator
    private var format: any AnswerFormat
    private let choiceCount: Int
    private let choicesPerPrompt: Int
    private let includesUsage: Bool
    private var usage = UsageTotals()
    /// Read from the stream before the answer began, not yet written.
    private var early: [GenerationStream.Element] = []
    private var hasOpened = false

    init(
        _ stream: GenerationStream,
        format: any AnswerFormat,
        choiceCount: Int,
        choicesPerPrompt: Int,
        includesUsage: Bool
    ) {
        self.stream = stream
        iterator = stream.makeAsyncIterator()
        self.format = format
        self.choiceCount = choiceCount
        self.choicesPerPrompt = choicesPerPrompt
        self.includesUsage = includesUsage
    }

    // MARK: Whole answers

    /// Reads to the end and returns the whole answer; the first failure ends everything.
    mutating func collect(_ record: inout RequestRecord) async throws(APIError) -> JSONValue {
        var texts = [String](repeating: "", count: choiceCount)
        var tokens = [[TokenLogprob]](repeating: [], count: choiceCount)
        var reasons = [FinishReason](repeating: .stop, count: choiceCount)
        while let element = try await next() {
            switch element {
            case .leased(_, let waited): record.load = waited
            case .idle: break
            case .event(_, .accepted), .event(_, .queued), .event(_, .started): break
            case .event(let choice, .delta(let text, let logprobs)):
                texts[choice] += text
                tokens[choice] += logprobs
            case .event(let choice, .finished(let reason, let counts)):
                reasons[choice] = reason
                count(counts, choice: choice, &record)
            case .event(_, .failed(let failure)):
                stream.cancel()
                throw APIError(failure, parameter: format.promptParameter)
            }
        }
        let choices = (0..<choiceCount).map { choice in
            format.wholeChoice(
                choice,
                text: texts[choice],
                tokens: tokens[choice],
                reason: reasons[choice]
            )
        }
        return format.whole(choices: choices, usage: usage)
    }

    // MARK: Streams

    /// Waits for the first output, so that an error before it keeps its own status; gives up after
    /// the commit delay, from when on errors can only be told inside the stream.
    mutating func awaitFirstOutput(_ record: inout RequestRecord) async throws(APIError) {
        var leased = MonotonicInstant.now()
        while let element = try await next() {
            switch element {
            case .leased(_, let waited):
                record.load = waited
                leased = .now()
            case .event(_, .failed(let failure)):
                stream.cancel()
                throw APIError(failure, parameter: format.promptParameter)
            case .event(_, .accepted), .event(_, .queued): break
            case .event(_, .started), .event(_, .delta("", [])):
                early.append(element)
            case .event:
                early.append(element)
                // Queue and prefill together: the worker tells them apart only in the end.
                record.prefill = MonotonicInstant.now().duration(since: leased)
                return
            case .idle:
                return
            }
        }
    }

    /// Writes the stream; false when the client has gone and the connection is to be dropped.
    mutating func send(
        to writer: borrowing HTTPBodyWriter,
        _ record: inout RequestRecord
    ) async -> Bool {
        do throws(HTTPDisconnected) {
            for element in early {
                guard try await write(element, to: writer, &record) else { return true }
            }
            early = []
            while true {
                let element: GenerationStream.Element?
                do throws(APIError) {
                    element = try await next()
                } catch {
                    if Task.isCancelled { return false }
                    try await write(error, to: writer, &record)
                    return true
                }
                guard let element else { break }
                guard try await write(element, to: writer, &record) else { return true }
            }
            if includesUsage {
                try await writer.write(Self.event(format.usageChunk(usage)))
            }
            try await writer.write(ServerSentEvent.serialize(data: "[DONE]"))
            return true
        } catch {
            record.errorCode = "client_disconnected"
            stream.cancel()
            return false
        }
    }

    /// Writes what an element adds to the stream; false when it ended the stream.
    private mutating func write(
        _ element: GenerationStream.Element,
        to writer: borrowing HTTPBodyWriter,
        _ record: inout RequestRecord
    ) async throws(HTTPDisconnected) -> Bool {
        switch element {
        case .leased(_, let waited):
            record.load = waited
        case .idle:
            try await writer.write(ServerSentEvent.comment("waiting"))
        case .event(_, .accepted), .event(_, .queued): break
        case .event(_, .started):
            try await writer.write(opening())
        case .event(_, .delta("", [])):
            break
        case .event(let choice, .delta(let text, let tokens)):
            let chunk = format.chunk(choice: choice, text: text, tokens: tokens)
            try await writer.write(opening() + Self.event(chunk))
        case .event(let choice, .finished(let reason, let counts)):
            count(counts, choice: choice, &record)
            let chunk = format.finishChunk(choice: choice, reason: reason)
            try await writer.write(opening() + Self.event(chunk))
        case .event(_, .failed(let failure)):
            let error = APIError(failure, parameter: format.promptParameter)
            try await write(error, to: writer, &record)
            return false
        }
        return true
    }

    /// The chunks that begin all choices, the first time: choice 0 must be seen before choice 1,
    /// because SDKs append to a list.
    private mutating func opening() -> [UInt8] {
        guard !hasOpened else { return [] }
        hasOpened = true
        return (0..<choiceCount).compactMap { format.openingChunk(choice: $0) }
            .flatMap { Self.event($0) }
    }

    /// An error inside the stream ends it, without `[DONE]`: no client takes the rest for whole.
    private func write(
        _ error: APIError,
        to writer: borrowing HTTPBodyWriter,
        _ record: inout RequestRecord
    ) async throws(HTTPDisconnected) {
        record.errorCode = error.code
        stream.cancel()
        try await writer.write(Self.event(error.json))
    }

    // MARK: Both

    private mutating func next() async throws(APIError) -> GenerationStream.Element? {
        do throws(ModelServiceError) {
            return try await iterator.next()
        } catch {
            throw APIError(error)
        }
    }

    private mutating func count(
        _ counts: GenerationUsage,
        choice: Int,
        _ record: inout RequestRecord
    ) {
        usage.add(counts, prompt: choice / choicesPerPrompt)
        record.add(counts)
    }

    private static func event(_ value: JSONValue) -> [UInt8] {
        ServerSentEvent.serialize(data: value.serializedBytes())
    }
}

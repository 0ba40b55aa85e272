import ModelService
import OpenAIAPI
import Platform
import WorkerProtocol

/// Reads what happens to one request's generations and keeps the counts.
///
/// Confined to the request's task. Dropping it cancels what still runs and takes the request from
/// the list of requests.
struct GenerationReader {
    private let stream: GenerationStream
    private var iterator: GenerationStream.Iterator
    private let registration: RequestRegistration
    private let promptParameter: String
    private let choicesPerPrompt: Int
    private let begun = MonotonicInstant.now()
    /// What the finished choices consumed.
    private(set) var usage = UsageTotals()

    /// - Parameters:
    ///   - stream: The generations, to be read by nobody else.
    ///   - registration: The request in the list of requests.
    ///   - promptParameter: The member of the request that holds the prompt, for error messages.
    ///   - choicesPerPrompt: Choices that continue the same prompt, 1 or more.
    init(
        _ stream: GenerationStream,
        registration: RequestRegistration,
        promptParameter: String,
        choicesPerPrompt: Int
    ) {
        self.stream = stream
        iterator = stream.makeAsyncIterator()
        self.registration = registration
        self.promptParameter = promptParameter
        self.choicesPerPrompt = choicesPerPrompt
    }

    /// How far the generations are now, whatever has been read.
    var progress: GenerationProgress { stream.monitor.progress }

    /// The time since the request was submitted.
    var elapsed: Duration { MonotonicInstant.now().duration(since: begun) }

    /// The next thing that happened; nil after the last one.
    ///
    /// The first failure of a choice ends all of them.
    mutating func next(
        _ record: inout RequestRecord
    ) async throws(APIError) -> GenerationStream.Element? {
        let element: GenerationStream.Element?
        do throws(ModelServiceError) {
            element = try await iterator.next()
        } catch {
            throw note(error, in: &record)
        }
        switch element {
        case .leased(_, let waited):
            record.load = waited
        case .event(let choice, .finished(let reason, let counts)):
            usage.add(counts, prompt: choice / choicesPerPrompt)
            record.add(counts)
            record.usage = usage
            record.finished.append((reason, counts))
        case .event(_, .failed(let failure)):
            stream.cancel()
            if case .overloaded = failure.kind { record.rejection = .queue }
            throw APIError(failure, parameter: promptParameter)
        case .event, .loading, .idle, nil: break
        }
        return element
    }

    /// What the client is told when there is nothing more to read.
    private func note(_ error: ModelServiceError, in record: inout RequestRecord) -> APIError {
        switch error {
        case .cancelled:
            record.cancellation = registration.isCancelled ? .admin : .disconnect
            return registration.isCancelled ? .requestCancelled : APIError(error)
        case .overloaded: record.rejection = .loadQueue
        default: break
        }
        return APIError(error)
    }

    /// Has `next` return `.idle` once after `first`, and then after every `interval` without news.
    func tick(first: Duration, every interval: Duration) {
        stream.tick(first: first, every: interval)
    }

    /// Ends what still runs.
    func cancel() { stream.cancel() }
}

extension GenerationProgress {
    /// The line that a waiting client gets as a comment.
    var comment: String {
        switch state {
        case .loading(let fraction): "loading \(Int(fraction * 100))%"
        case .queued(nil): "waiting"
        case .queued(let position?): "queued position=\(position)"
        case .prefill: "prefill"
        case .decoding: "decoding"
        }
    }
}

import HTTP
import JSON
import ModelService
import OpenAIAPI
import Platform
import WorkerProtocol

/// An answer as server-sent events, written while it is generated.
///
/// Confined to the request's task. While nothing is generated yet, comments tell the client why:
/// `: loading 43%`, `: queued position=3`, `: prefill`.
struct EventStreamBody: StreamedBody {
    private(set) var reader: GenerationReader
    private var format: any AnswerFormat
    private let choiceCount: Int
    private let includesUsage: Bool
    private let limits: GatewayLimits
    /// Read before the answer began, not yet written.
    private var early: [GenerationStream.Element] = []
    private var hasOpened = false
    private var lastComment = ""
    private var lastWrite = MonotonicInstant.now()

    init(
        _ reader: GenerationReader,
        format: any AnswerFormat,
        choiceCount: Int,
        includesUsage: Bool,
        limits: GatewayLimits
    ) {
        self.reader = reader
        self.format = format
        self.choiceCount = choiceCount
        self.includesUsage = includesUsage
        self.limits = limits
    }

    /// Waits until status 200 can be sent, so that an error before keeps its own status.
    ///
    /// 1. until the first output;
    /// 2. or for the commit delay, once nothing but time stands between the request and its output:
    /// it is accepted, or its model is being loaded;
    /// 3. or for the longer delay of whole answers, whatever is the matter.
    mutating func awaitCommit(_ record: inout RequestRecord) async throws(APIError) {
        reader.tick(first: limits.streamCommitDelay, every: limits.streamCommitDelay)
        var leased = MonotonicInstant.now()
        while let element = try await reader.next(&record) {
            switch element {
            case .leased: leased = .now()
            case .loading, .idle, .event(_, .accepted), .event(_, .queued): break
            case .event(_, .started), .event(_, .delta("", [])): early.append(element)
            case .event:
                early.append(element)
                // Queue and prefill together: the worker tells them apart only in the end.
                record.prefill = MonotonicInstant.now().duration(since: leased)
                return
            }
            if mustCommit { return }
        }
    }

    private var mustCommit: Bool {
        let elapsed = reader.elapsed
        guard elapsed < limits.wholeCommitDelay else { return true }
        guard elapsed >= limits.streamCommitDelay else { return false }
        let progress = reader.progress
        if case .loading = progress.state { return true }
        return progress.isAccepted
    }

    mutating func send(
        to writer: borrowing HTTPBodyWriter,
        _ record: inout RequestRecord
    ) async -> Bool {
        do throws(HTTPDisconnected) {
            reader.tick(first: limits.keepAlivePeriod, every: limits.keepAlivePeriod)
            if early.isEmpty { try await comment(to: writer) }
            for element in early { try await write(element, to: writer) }
            early = []
            while true {
                let element: GenerationStream.Element?
                do throws(APIError) {
                    element = try await reader.next(&record)
                } catch {
                    if Task.isCancelled { return false }
                    // An error ends the stream without `[DONE]`: no client takes the rest for whole.
                    record.errorCode = error.code
                    reader.cancel()
                    try await writer.write(Self.event(error.json))
                    return true
                }
                guard let element else { break }
                try await write(element, to: writer)
            }
            if includesUsage {
                try await writer.write(Self.event(format.usageChunk(reader.usage)))
            }
            try await writer.write(ServerSentEvent.serialize(data: "[DONE]"))
            return true
        } catch {
            record.errorCode = "client_disconnected"
            reader.cancel()
            return false
        }
    }

    /// Writes what an element adds to the stream.
    private mutating func write(
        _ element: GenerationStream.Element,
        to writer: borrowing HTTPBodyWriter
    ) async throws(HTTPDisconnected) {
        switch element {
        case .idle:
            try await comment(to: writer)
        case .loading, .event(_, .queued):
            if reader.progress.comment != lastComment { try await comment(to: writer) }
        case .leased, .event(_, .accepted), .event(_, .delta("", [])), .event(_, .failed):
            // What is held back writes nothing, for as long as it takes.
            if MonotonicInstant.now().duration(since: lastWrite) >= limits.keepAlivePeriod {
                try await comment(to: writer)
            }
        case .event(_, .started):
            try await write([], to: writer)
        case .event(let choice, .finished(let reason, _)):
            let chunk = format.finishChunk(choice: choice, reason: reason)
            try await write(Self.event(chunk), to: writer)
        case .event(let choice, let event):
            guard let chunk = format.chunk(choice: choice, event) else { return }
            try await write(Self.event(chunk), to: writer)
        }
    }

    /// Writes chunks; before the first ones, those that begin all choices: choice 0 must be seen
    /// before choice 1, because SDKs append to a list.
    private mutating func write(
        _ bytes: [UInt8],
        to writer: borrowing HTTPBodyWriter
    ) async throws(HTTPDisconnected) {
        var opening: [UInt8] = []
        if !hasOpened {
            hasOpened = true
            opening = (0..<choiceCount).compactMap { format.openingChunk(choice: $0) }
                .flatMap { Self.event($0) }
        }
        try await writer.write(opening + bytes)
        lastWrite = .now()
    }

    private mutating func comment(
        to writer: borrowing HTTPBodyWriter
    ) async throws(HTTPDisconnected) {
        lastComment = reader.progress.comment
        try await writer.write(ServerSentEvent.comment(lastComment))
        lastWrite = .now()
    }

    private static func event(_ value: JSONValue) -> [UInt8] {
        ServerSentEvent.serialize(data: value.serializedBytes())
    }
}

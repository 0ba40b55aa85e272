import HTTP
import JSON
import ModelService
import OpenAIAPI
import Platform

/// What an answer in one JSON document says, as it comes together.
///
/// Confined to the request's task.
protocol WholeAnswer: Sendable {
    /// Takes what happened; throws if it makes the answer impossible.
    mutating func absorb(_ element: GenerationStream.Element) throws(APIError)

    /// The document's JSON text, after the last element.
    func bytes(usage: UsageTotals) -> [UInt8]
}

/// An answer in one JSON document.
///
/// Confined to the request's task. When it takes long, the head is sent early and white space keeps
/// the client from giving up: JSON may begin with it. An error can then only be told in the body,
/// which is OpenAI's error envelope in place of the answer.
struct WholeBody<Content: WholeAnswer>: StreamedBody {
    private(set) var reader: GenerationReader
    private var content: Content
    private let limits: GatewayLimits
    private var lastWrite = MonotonicInstant.now()

    init(_ reader: GenerationReader, content: Content, limits: GatewayLimits) {
        self.reader = reader
        self.content = content
        self.limits = limits
    }

    /// The whole answer, or nil when it takes so long that the head must be sent now.
    mutating func collect(_ record: inout RequestRecord) async throws(APIError) -> [UInt8]? {
        reader.tick(first: limits.wholeCommitDelay, every: limits.wholeCommitDelay)
        while let element = try await reader.next(&record) {
            try content.absorb(element)
            if reader.elapsed >= limits.wholeCommitDelay { return nil }
        }
        return content.bytes(usage: reader.usage)
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
                    if let element { try content.absorb(element) }
                } catch {
                    if Task.isCancelled { return false }
                    record.errorCode = error.code
                    reader.cancel()
                    try await writer.write(error.json.serializedBytes())
                    return true
                }
                guard let element else { break }
                let silence = MonotonicInstant.now().duration(since: lastWrite)
                if element == .idle || silence >= limits.keepAlivePeriod {
                    try await writeSpace(to: writer)
                }
            }
            try await writer.write(content.bytes(usage: reader.usage))
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
}

import HTTP

/// The body of an answer whose head is sent before the end is known.
protocol StreamedBody: Sendable {
    /// Writes the body; false when the client has gone and the connection is to be dropped.
    mutating func send(
        to writer: borrowing HTTPBodyWriter,
        _ record: inout RequestRecord
    ) async -> Bool
}

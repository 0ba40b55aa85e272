/// The bounds of the HTTP server.
///
/// Every one has a default; sizes are in bytes.
package struct HTTPLimits: Sendable, Hashable {
    // Requests

    /// The request line without its CRLF (414).
    ///
    /// RFC 9112 §3 recommends at least 8,000.
    package var maximumRequestLineByteCount = 8 << 10
    /// All header fields with their line ends (431).
    package var maximumHeadersByteCount = 32 << 10
    /// The number of header fields (431).
    package var maximumHeaderCount = 100
    /// The name of one field (431).
    package var maximumHeaderNameByteCount = 128
    /// The value of one field (431).
    package var maximumHeaderValueByteCount = 16 << 10
    /// The body (413).
    package var maximumBodyByteCount = 32 << 20
    /// The extensions of one transfer chunk (400).
    package var maximumChunkExtensionByteCount = 256
    /// What transfer chunks may cost beyond one byte of framing per byte of body (400).
    package var maximumChunkOverheadByteCount = 16 << 10
    /// The trailer fields after the last transfer chunk (400).
    package var maximumTrailersByteCount = 4 << 10
    /// What is read ahead of the request being answered.
    package var maximumPipelinedByteCount = 64 << 10
    /// What clients have sent and is not answered yet, of all connections together; the client whose
    /// bytes pass the limit is answered 503.
    package var maximumHeldByteCount = 512 << 20
    /// Requests answered on one connection before it is closed.
    package var maximumRequestsPerConnection = 10_000

    // Time

    /// From accepting a connection to its first byte; then it is closed without an answer.
    package var firstByteTimeout: Duration = .seconds(30)
    /// How long a connection without a request stays open when the server begins to stop.
    package var drainGrace: Duration = .milliseconds(500)
    /// From the first byte of a request to the end of its head (408).
    package var headTimeout: Duration = .seconds(10)
    /// Between two bytes of a body (408).
    package var bodyProgressTimeout: Duration = .seconds(20)
    /// How long a body may be slower than `minimumBodyBytesPerSecond` on average (408).
    package var bodyRateGrace: Duration = .seconds(10)
    /// The average speed that a body must keep after the grace.
    package var minimumBodyBytesPerSecond = 1024
    /// From an answer to the next request's first byte; then the connection is closed.
    package var keepAliveTimeout: Duration = .seconds(75)
    /// How long a client may leave bytes untaken before it is cut off.
    package var writeStallTimeout: Duration = .seconds(30)
    /// How long a closed connection is kept to take in what the client still sends, so that it gets
    /// to read the answer.
    package var lingerTimeout: Duration = .seconds(2)
    /// How many bytes are taken in while lingering.
    package var maximumLingerByteCount = 64 << 10

    // Answers and connections

    /// A body writer suspends when more than this is waiting to be sent.
    package var outboundHighWaterByteCount = 256 << 10
    /// A suspended body writer goes on when no more than this is waiting.
    package var outboundLowWaterByteCount = 64 << 10
    /// The kernel's send buffer of a connection, so that a slow reader holds up little.
    package var socketSendBufferByteCount = 128 << 10
    /// Connections at the same time; further ones are answered 503.
    package var maximumConnectionCount = 4096
    /// How many of them each listener has for itself, whatever the others are busy with.
    package var keptConnectionsPerListener = 16
    /// Connections from one address that is not this machine's own.
    package var maximumConnectionsPerAddress = 256

    /// The defaults.
    package init() {}

    /// The defaults, with no more connections than the process can have descriptors for.
    ///
    /// A process that has run out of descriptors cannot even read a file, so a quarter of them is
    /// left for what is no connection.
    /// - Parameter descriptorCount: How many descriptors the process may have (RLIMIT_NOFILE).
    package init(descriptorCount: Int) {
        let room = descriptorCount * 3 / 4 - ConnectionCensus.maximumRefusalCount
        maximumConnectionCount = min(maximumConnectionCount, max(room, 16))
    }
}

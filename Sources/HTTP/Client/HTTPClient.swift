package import Platform

/// A complete answer, or the head of one being streamed.
package struct HTTPClientResponse: Sendable, Hashable {
    package let status: Int
    package let headers: HTTPHeaders
    /// The whole body; empty in the head that `stream` hands over.
    package let body: [UInt8]
}

/// Why an exchange with a server failed.
package enum HTTPClientError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text is no address of a server.
    case invalidEndpoint(String)
    /// Nobody answers there.
    case connectionFailed(endpoint: String, SystemError)
    /// Sending or receiving failed half-way; EAGAIN stands for the time-out.
    case transferFailed(SystemError)
    /// The server hung up before the answer was complete.
    case truncated
    /// The answer is not HTTP/1.1, or breaks its rules; what was wrong.
    case malformedResponse(String)
    /// The answer is longer than the client takes.
    case tooLong(maximumByteCount: Int)

    package var description: String {
        switch self {
        case .invalidEndpoint(let text): "\(text): not the address of a server"
        case .connectionFailed(let endpoint, let error): "\(endpoint): \(error.reason)"
        case .transferFailed(let error): "\(error)"
        case .truncated: "the server closed the connection before its answer was complete"
        case .malformedResponse(let reason): "the server's answer is malformed: \(reason)"
        case .tooLong(let maximum): "the server's answer is longer than \(maximum) bytes"
        }
    }
}

/// A small blocking client, one connection per request, for the command line and for tests.
///
/// Every call blocks its thread: never call it from a task on the cooperative pool.
package struct HTTPClient: Sendable {
    /// The server.
    package let endpoint: ListenAddress
    private let apiKey: String?
    private let timeout: Duration
    private let maximumBodyByteCount: Int

    /// A client of `endpoint`.
    ///
    /// - Parameters:
    ///   - endpoint: The server's address.
    ///   - apiKey: Sent as `Authorization: Bearer`, if any.
    ///   - timeout: The longest silence of the server.
    ///   - maximumBodyByteCount: The longest answer that `send` collects.
    package init(
        endpoint: ListenAddress,
        apiKey: String? = nil,
        timeout: Duration = .seconds(600),
        maximumBodyByteCount: Int = 64 << 20
    ) {
        self.endpoint = endpoint
        self.apiKey = apiKey
        self.timeout = timeout
        self.maximumBodyByteCount = maximumBodyByteCount
    }

    /// Sends a request and returns the whole answer, whatever its status.
    package func send(
        method: HTTPMethod,
        path: String,
        headers: HTTPHeaders = [:],
        body: [UInt8] = []
    ) throws(HTTPClientError) -> HTTPClientResponse {
        throw .truncated
    }

    /// Sends a request and hands over the answer as it comes.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - path: The request target.
    ///   - headers: Fields beyond `Host`, `Content-Length`, `Connection` and the key.
    ///   - body: The request's body.
    ///   - onHead: Called once, first.
    ///   - onBytes: Called with each piece of the body; returning `false` hangs up.
    /// - Throws: `HTTPClientError`, or what the two closures throw.
    package func stream(
        method: HTTPMethod,
        path: String,
        headers: HTTPHeaders = [:],
        body: [UInt8] = [],
        onHead: (HTTPClientResponse) throws -> Void,
        onBytes: ([UInt8]) throws -> Bool
    ) throws {
        throw HTTPClientError.truncated
    }
}

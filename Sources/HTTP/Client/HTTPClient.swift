import Glibc
package import Platform

/// A complete answer, or the head of one being streamed.
package struct HTTPClientResponse: Sendable, Hashable {
    /// The status code.
    package let status: Int
    /// The fields of the head.
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
    /// `HTTPClientCancellation.cancel` was called.
    case cancelled
    /// The answer is longer than the client takes.
    case tooLong(maximumByteCount: Int)

    package var description: String {
        switch self {
        case .invalidEndpoint(let text): "\(text): not the address of a server"
        case .connectionFailed(let endpoint, let error): "\(endpoint): \(error.reason)"
        case .transferFailed(let error): "\(error)"
        case .truncated: "the server closed the connection before its answer was complete"
        case .malformedResponse(let reason): "the server's answer is malformed: \(reason)"
        case .cancelled: "cancelled"
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
        body: [UInt8] = [],
        cancellation: HTTPClientCancellation? = nil
    ) throws(HTTPClientError) -> HTTPClientResponse {
        var answer = (status: 0, headers: HTTPHeaders())
        var collected: [UInt8] = []
        try exchange(
            serialize(method: method, path: path, headers: headers, body: body),
            isHead: method == .head,
            cancellation: cancellation
        ) {
            (event) throws(HTTPClientError) in
            switch event {
            case .head(let status, let headers): answer = (status, headers)
            case .bytes(let bytes):
                guard collected.count + bytes.count <= maximumBodyByteCount else {
                    throw .tooLong(maximumByteCount: maximumBodyByteCount)
                }
                collected += bytes
            case .end: break
            }
            return true
        }
        return HTTPClientResponse(status: answer.status, headers: answer.headers, body: collected)
    }

    /// Sends a request and hands over the answer as it comes.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - path: The request target.
    ///   - headers: Fields beyond `Host`, `Content-Length`, `Connection` and the key.
    ///   - body: The request's body.
    ///   - cancellation: Lets another thread end the call.
    ///   - onHead: Called once, first.
    ///   - onBytes: Called with each piece of the body; returning `false` hangs up.
    /// - Throws: `HTTPClientError`, or what the two closures throw.
    package func stream(
        method: HTTPMethod,
        path: String,
        headers: HTTPHeaders = [:],
        body: [UInt8] = [],
        cancellation: HTTPClientCancellation? = nil,
        onHead: (HTTPClientResponse) throws -> Void,
        onBytes: ([UInt8]) throws -> Bool
    ) throws {
        // Typed throws cannot carry two kinds of error, so the closures' own is kept aside.
        var failure: (any Error)?
        try exchange(
            serialize(method: method, path: path, headers: headers, body: body),
            isHead: method == .head,
            cancellation: cancellation
        ) { event in
            do {
                switch event {
                case .head(let status, let headers):
                    try onHead(HTTPClientResponse(status: status, headers: headers, body: []))
                    return true
                case .bytes(let bytes): return try onBytes(bytes)
                case .end: return true
                }
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
    }
}

extension HTTPClient {
    /// Runs one exchange, until its end or until `onEvent` returns `false`.
    private func exchange(
        _ request: [UInt8],
        isHead: Bool,
        cancellation: HTTPClientCancellation?,
        onEvent: (ResponseParser.Event) throws(HTTPClientError) -> Bool
    ) throws(HTTPClientError) {
        let socket = try connect()
        cancellation?.attach(socket.rawValue)
        defer { cancellation?.detach() }
        do throws(HTTPClientError) {
            guard cancellation?.isCancelled != true else { throw .cancelled }
            try transfer(request, isHead: isHead, through: socket.rawValue, onEvent: onEvent)
        } catch {
            // A socket shut by the cancellation fails in one way or the other.
            throw cancellation?.isCancelled == true ? .cancelled : error
        }
    }

    private func transfer(
        _ request: [UInt8],
        isHead: Bool,
        through descriptor: Int32,
        onEvent: (ResponseParser.Event) throws(HTTPClientError) -> Bool
    ) throws(HTTPClientError) {
        // A server may answer, and close, without reading the whole request: its answer counts.
        let sendFailure = sendAll(request, through: descriptor)
        var parser = ResponseParser(isHead: isHead)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count: Int
            do throws(SystemError) {
                count = try StreamSocket.receiveBlocking(descriptor, into: &buffer)
            } catch {
                throw .transferFailed(sendFailure ?? error)
            }
            if count == 0 {
                if parser.closed() { return }
                if let sendFailure { throw .transferFailed(sendFailure) }
                throw .truncated
            }
            let received = Array(buffer[..<count])
            var index = 0
            while let event = try parser.next(received.span, from: &index) {
                guard try onEvent(event), event != .end else { return }
            }
        }
    }

    private func connect() throws(HTTPClientError) -> FileDescriptor {
        var failure: SystemError?
        for address in endpoint.socketAddresses {
            do throws(SystemError) {
                let socket = try StreamSocket.connect(to: address)
                StreamSocket.setTimeouts(socket.rawValue, timeout)
                return socket
            } catch {
                failure = failure ?? error
            }
        }
        let error = failure ?? SystemError(call: "connect", code: EADDRNOTAVAIL)
        throw .connectionFailed(endpoint: endpoint.description, error)
    }

    private func serialize(
        method: HTTPMethod,
        path: String,
        headers: HTTPHeaders,
        body: [UInt8]
    ) -> [UInt8] {
        var text = "\(method.rawValue) \(path) HTTP/1.1\r\n"
        if !headers.contains("Host") { text += "Host: \(hostField)\r\n" }
        text += "Connection: close\r\n"
        if !body.isEmpty || [.post, .put, .patch].contains(method) {
            text += "Content-Length: \(body.count)\r\n"
        }
        if let apiKey, !headers.contains("Authorization") {
            text += "Authorization: Bearer \(apiKey)\r\n"
        }
        for field in headers { text += "\(field.name): \(field.value)\r\n" }
        return Array(text.utf8) + [0x0d, 0x0a] + body
    }

    private var hostField: String {
        if case .socket(.unix) = endpoint { return "localhost" }
        return endpoint.description
    }

    private func sendAll(_ bytes: [UInt8], through descriptor: Int32) -> SystemError? {
        do throws(SystemError) {
            try StreamSocket.sendBlocking(descriptor, bytes.span)
            return nil
        } catch {
            return error
        }
    }
}

/// The client has gone, or the server has given the connection up.
package struct HTTPDisconnected: Error, Sendable, Hashable {}

/// The right to answer one request, once.
///
/// The server adds `Date`, `Content-Length` or `Transfer-Encoding`, `Connection`, `x-request-id`,
/// `Cache-Control: no-store` and `X-Content-Type-Options: nosniff` where the handler has not set
/// them; `Connection: close` from the handler closes the connection after the answer. A header with
/// CR, LF or NUL in it is a broken invariant and traps.
package struct HTTPResponder: ~Copyable {
    private let sink: any HTTPResponseSink

    /// An answer that goes into `sink`.
    package init(sink: any HTTPResponseSink) {
        self.sink = sink
    }

    /// Sends a complete answer.
    ///
    /// Never blocks: what the socket does not take is kept and sent on.
    package consuming func send(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        sink.send(status: status, headers: headers, body: body)
    }

    /// Sends the head of an answer whose body follows piece by piece.
    package consuming func stream(status: Int, headers: HTTPHeaders = [:]) -> HTTPBodyWriter {
        sink.begin(status: status, headers: headers)
        return HTTPBodyWriter(sink: sink)
    }

    deinit {
        sink.responderEnded()
    }
}

/// The body of an answer under way.
///
/// Dropping it without `finish` breaks the connection off, so that the client sees that the answer
/// is not whole.
package struct HTTPBodyWriter: ~Copyable {
    private let sink: any HTTPResponseSink

    fileprivate init(sink: any HTTPResponseSink) {
        self.sink = sink
    }

    /// Sends bytes on at once, as one transfer chunk; an empty array does nothing.
    ///
    /// Returns without suspending while the client keeps up. When more than the high-water mark is
    /// waiting, it suspends until no more than the low-water mark is.
    /// - Throws: `HTTPDisconnected` when the client is gone, also while suspended.
    package func write(_ bytes: [UInt8]) async throws(HTTPDisconnected) {
        try await sink.write(bytes)
    }

    /// Ends the body as complete.
    package consuming func finish() {
        sink.finish()
    }

    deinit {
        sink.writerEnded()
    }
}

/// Where answers go: a connection, or a recorder in tests.
///
/// Called in this order: either `send`, or `begin`, any number of `write`, `finish`.
/// `responderEnded` comes after `send` or `begin`, or instead of both; `writerEnded` after `finish`
/// or instead of it.
package protocol HTTPResponseSink: AnyObject, Sendable {
    func send(status: Int, headers: HTTPHeaders, body: [UInt8])
    func begin(status: Int, headers: HTTPHeaders)
    func write(_ bytes: [UInt8]) async throws(HTTPDisconnected)
    func finish()
    func responderEnded()
    func writerEnded()
}

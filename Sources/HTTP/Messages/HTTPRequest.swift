package import Platform

/// A complete request, body included.
package struct HTTPRequest: Sendable {
    /// Names the request in logs and in the answer's `x-request-id`: the client's own id when it
    /// sent a sane one, else made here.
    package var id: String
    package var method: HTTPMethod
    /// The request target as it came.
    package var target: String
    /// The path, percent-decoded once, without the query; starts with "/" (or is "*" for OPTIONS).
    package var path: String
    /// The path as it came, without the query.
    package var rawPath: String
    /// What follows the first "?", as it came; `nil` without one.
    package var query: String?
    package var headers: HTTPHeaders
    /// The whole body, transfer chunks already put together.
    package var body: [UInt8]
    /// The client's end of the connection.
    package var peer: SocketAddress
    /// This server's end of the connection: the address that the client reached.
    package var local: SocketAddress
    /// When the head of the request was complete.
    package var arrival: MonotonicInstant

    /// Makes a request by hand, for tests and for calls inside the process.
    package init(
        id: String = "req_local",
        method: HTTPMethod,
        target: String,
        path: String? = nil,
        headers: HTTPHeaders = [:],
        body: [UInt8] = [],
        peer: SocketAddress = .unix(path: ""),
        local: SocketAddress = .unix(path: ""),
        arrival: MonotonicInstant = .now()
    ) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.id = id
        self.method = method
        self.target = target
        self.rawPath = parts.first.map(String.init) ?? ""
        self.path = path ?? rawPath
        self.query = parts.count > 1 ? String(parts[1]) : nil
        self.headers = headers
        self.body = body
        self.peer = peer
        self.local = local
        self.arrival = arrival
    }
}

/// What a server does with requests.
package protocol HTTPRequestHandler: Sendable {
    /// Decides about a request from its head alone, before its body is read and before a client
    /// that waits for `100 Continue` gets one. The default admits everything.
    ///
    /// Runs on the I/O loop: it must not block, wait for a contended lock, or take more than
    /// microseconds. `request.body` is empty.
    func admit(_ request: HTTPRequest) -> HTTPAdmission

    /// Answers one request. Runs as its own task, which is cancelled when the client goes away and
    /// when the server stops. A responder that is dropped unused is answered with status 500.
    func handle(_ request: HTTPRequest, respond: consuming HTTPResponder) async
}

extension HTTPRequestHandler {
    /// Admits everything, with the server's body limit.
    package func admit(_ request: HTTPRequest) -> HTTPAdmission { .accept() }
}

/// The decision about a request whose head is known.
package enum HTTPAdmission: Sendable {
    /// Read the body (at most this many bytes, the server's limit if `nil`) and call `handle`.
    case accept(maximumBodyByteCount: Int? = nil)
    /// Answer at once, be it a refusal or something that is known; the body is not read.
    case answer(status: Int, headers: HTTPHeaders, body: [UInt8])
}

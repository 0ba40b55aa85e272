package import Platform

/// Serves HTTP/1.1 on any number of listening sockets with one I/O thread.
///
/// Safe from any thread. Handlers run as tasks; see `HTTPRequestHandler`.
package final class HTTPServer: Sendable {
    private let configuration: HTTPServerConfiguration
    private let handler: any HTTPRequestHandler

    /// Opens the listening sockets: from here on clients can connect, and wait until `start`.
    ///
    /// - Throws: `SystemError` with the address as path, such as EADDRINUSE or EACCES.
    package init(
        configuration: HTTPServerConfiguration,
        handler: any HTTPRequestHandler
    ) throws(SystemError) {
        self.configuration = configuration
        self.handler = handler
    }

    /// The addresses of the listening sockets with their real ports, in the order of the
    /// configuration (`localhost` gives two), inherited ones last.
    package var addresses: [SocketAddress] { [] }

    /// Begins to accept and serve.
    ///
    /// Once only.
    package func start() throws(SystemError) {
        throw SystemError(call: "start", code: 38)
    }

    /// Accepts no more, closes idle connections, lets running requests finish with
    /// `Connection: close`, and returns when all connections are gone or `deadline` has passed;
    /// in that case the rest is cancelled and closed.
    package func drain(deadline: Duration) async {}

    /// Cancels everything that runs, closes every connection and socket, and waits for the I/O
    /// thread to end.
    ///
    /// Can be called more than once, and without `start`.
    package func stop() {}
}

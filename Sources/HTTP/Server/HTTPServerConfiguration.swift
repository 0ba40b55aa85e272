/// What an HTTP server listens on, and its bounds.
package struct HTTPServerConfiguration: Sendable {
    /// Addresses to open.
    ///
    /// Port 0 lets the kernel choose.
    package var listen: [ListenAddress]
    /// Listening sockets that are already open, from a service manager; the server takes them over.
    package var inheritedDescriptors: [Int32]
    /// Access rights of unix sockets that the server makes.
    package var unixSocketMode: UInt32
    package var limits: HTTPLimits
    /// Where its connections are counted.
    package var connections: ConnectionCounter

    /// Makes a configuration; a server needs at least one address or descriptor.
    package init(
        listen: [ListenAddress],
        inheritedDescriptors: [Int32] = [],
        unixSocketMode: UInt32 = 0o660,
        limits: HTTPLimits = HTTPLimits(),
        connections: ConnectionCounter = ConnectionCounter()
    ) {
        self.listen = listen
        self.inheritedDescriptors = inheritedDescriptors
        self.unixSocketMode = unixSocketMode
        self.limits = limits
        self.connections = connections
    }
}

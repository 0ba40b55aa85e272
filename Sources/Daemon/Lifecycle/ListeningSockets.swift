import Glibc
import HTTP
import Platform
import Telemetry

/// Opens the daemon's listening sockets.
enum ListeningSockets {
    /// A server on all addresses of the configuration and on the inherited sockets.
    ///
    /// The unix socket of the standard place is tried too; where that fails, the daemon runs
    /// without it and says so.
    static func open(
        _ configuration: DaemonConfiguration,
        inherited: [Int32],
        handler: any HTTPRequestHandler,
        connections: ConnectionCounter,
        log: Log
    ) throws -> HTTPServer {
        let server = try server(
            configuration,
            inherited: inherited,
            handler: handler,
            connections: connections,
            log: log
        )
        // The configuration has been checked; this also holds for what systemd opened.
        if configuration.apiKeys.isEmpty, !configuration.allowAnonymous,
            let open = server.addresses.first(where: { !$0.isLoopback })
        {
            server.stop()
            throw ConfigurationProblem(
                source: "socket unit",
                key: "ListenStream",
                message: "\(open) can be reached from other machines: name an api_key_file, or set "
                    + "allow_anonymous if everybody there may use it"
            )
        }
        return server
    }

    private static func server(
        _ configuration: DaemonConfiguration,
        inherited: [Int32],
        handler: any HTTPRequestHandler,
        connections: ConnectionCounter,
        log: Log
    ) throws -> HTTPServer {
        let named = HTTPServerConfiguration(
            listen: configuration.listen,
            inheritedDescriptors: inherited,
            connections: connections
        )
        guard let path = configuration.standardSocket,
            let address = try? ListenAddress(parsing: "unix:" + path)
        else { return try HTTPServer(configuration: named, handler: handler) }
        makeParent(of: path)
        var withSocket = named
        withSocket.listen.append(address)
        do {
            return try HTTPServer(configuration: withSocket, handler: handler)
        } catch {
            guard error.path?.hasSuffix(path) == true else { throw error }
            log.warning("no unix socket", ("problem", error))
        }
        return try HTTPServer(configuration: named, handler: handler)
    }

    /// The directory is the daemon's own; its parent must exist.
    private static func makeParent(of path: String) {
        guard let slash = path.lastIndex(of: "/") else { return }
        // Safety: the string outlives the call as a NUL-terminated copy.
        _ = unsafe mkdir(String(path[..<slash]), 0o750)
    }
}

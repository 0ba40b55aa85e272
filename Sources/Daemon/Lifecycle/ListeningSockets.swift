import Glibc
import HTTP
import Platform
import Telemetry

/// Opens the daemon's listening sockets.
enum ListeningSockets {
    /// A server on all addresses of the configuration and on the inherited sockets.
    ///
    /// The unix sockets of the standard places are tried too; where that fails, the daemon runs
    /// without them and says so.
    static func open(
        _ configuration: DaemonConfiguration,
        inherited: [InheritedSockets.Socket],
        handler: any HTTPRequestHandler,
        connections: ConnectionCounter,
        log: Log
    ) throws -> HTTPServer {
        let server = try server(
            configuration,
            inherited: inherited.map(\.descriptor),
            handler: handler,
            connections: connections,
            log: log
        )
        // The configuration has been checked; this also holds for what systemd opened.
        if !configuration.asksForKeys, !configuration.allowAnonymous,
            let open = server.addresses.first(where: { !$0.isLoopback })
        {
            server.stop()
            throw ConfigurationProblem(
                source: "socket unit",
                key: "ListenStream",
                message: "\(open) can be reached from other machines: make a key with `torii keys "
                    + "add NAME`, or set allow_anonymous if everybody there may use it"
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
        var listen = configuration.listen
        if configuration.requiresAdminSocket, let path = configuration.adminSocket {
            listen.append(try ListenAddress(parsing: "unix:" + path))
        }
        var optional = [configuration.standardSocket]
        if !configuration.requiresAdminSocket { optional.append(configuration.adminSocket) }
        var paths = optional.compactMap(\.self)
        for path in paths { makeParent(of: path) }
        while true {
            do {
                return try HTTPServer(
                    configuration: HTTPServerConfiguration(
                        listen: listen + paths.map { try ListenAddress(parsing: "unix:" + $0) },
                        inheritedDescriptors: inherited,
                        limits: HTTPLimits(descriptorCount: ResourceLimits.descriptorCount),
                        connections: connections
                    ),
                    handler: handler
                )
            } catch let error as SystemError {
                guard let index = paths.firstIndex(where: { error.path?.hasSuffix($0) == true })
                else { throw error }
                log.warning("no unix socket", ("problem", error))
                paths.remove(at: index)
            }
        }
    }

    /// The directory is the daemon's own; its parent must exist.
    private static func makeParent(of path: String) {
        guard let slash = path.lastIndex(of: "/") else { return }
        // Safety: the string outlives the call as a NUL-terminated copy.
        _ = unsafe mkdir(String(path[..<slash]), 0o750)
    }
}

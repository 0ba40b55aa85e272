import Glibc
import HTTP
import Platform
import Telemetry

/// Opens the daemon's listening sockets.
enum ListeningSockets {
    /// A server on all addresses of the configuration and on the inherited sockets.
    ///
    /// Of the sockets that an earlier process had kept, those of the configuration's addresses are
    /// taken over, with the connections that wait there; the others are closed.
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
        let wanted = Set(configuration.listen.flatMap(\.socketAddresses))
        let isOfUse = { (socket: InheritedSockets.Socket) in
            socket.name != InheritedSockets.keptName || wanted.contains(socket.address)
        }
        for socket in inherited where !isOfUse(socket) {
            // The service manager has a copy, which would keep an address like 0.0.0.0 from being
            // opened on the same port.
            shutdown(socket.descriptor, Int32(SHUT_RDWR))
            close(socket.descriptor)
        }
        let server = try server(
            configuration,
            inherited: inherited.filter(isOfUse).map(\.descriptor),
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

    /// Has the service manager keep the sockets that the daemon opened itself, so that clients wait
    /// instead of being refused while its next process starts.
    ///
    /// Those of socket units stay open anyway, and a file's name changes hands with its socket.
    static func keep(
        of server: HTTPServer,
        inherited: [InheritedSockets.Socket],
        notifier: SystemdNotifier
    ) {
        let given = Set(
            inherited.filter { $0.name != InheritedSockets.keptName }.map(\.address)
        )
        let own = server.addresses.filter { $0.family != AF_UNIX && !given.contains($0) }
        notifier.keep(
            own.compactMap { server.descriptor(of: $0) },
            name: InheritedSockets.keptName
        )
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

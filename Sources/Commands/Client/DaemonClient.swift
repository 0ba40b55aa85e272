import HTTP
import JSON
import Platform

/// A client command's way to the daemon: its address, its key, and errors that say what to do.
///
/// Blocks the calling thread.
struct DaemonClient: Sendable {
    /// The option that client commands share.
    static let hostOption = OptionSpecification.value(
        "--host",
        name: "ADDRESS",
        help: "the daemon's address, TORII_HOST otherwise"
    )
    /// The option of commands that print facts.
    static let jsonOption = OptionSpecification.flag("--json", help: "print JSON")

    /// Where the daemon is when nobody says otherwise.
    static let standardAddress = "127.0.0.1:11435"

    private let address: ListenAddress
    private let client: HTTPClient

    /// A client for the address that the arguments or the variables name.
    init(_ arguments: ParsedArguments, in environment: CommandEnvironment) throws {
        let text =
            arguments.string("--host") ?? environment.variable("TORII_HOST")
            ?? Self.adminSocket(in: environment) ?? Self.standardAddress
        guard !text.hasPrefix("https://") else {
            throw CommandFailure("\(text): only http:// is spoken here; name the proxied daemon")
        }
        do {
            address = try ListenAddress(parsing: Self.reachable(text))
        } catch {
            throw CommandFailure(
                "\(arguments.string("--host") == nil ? "TORII_HOST" : "--host"): \(error)"
            )
        }
        client = HTTPClient(endpoint: address, apiKey: environment.variable("TORII_API_KEY"))
    }

    /// The admin socket of this user's daemon, or of the machine's, if one answers there; whoever has
    /// a key means another way.
    private static func adminSocket(in environment: CommandEnvironment) -> String? {
        guard environment.variable("TORII_API_KEY") == nil else { return nil }
        let user = environment.variable("XDG_RUNTIME_DIR").map { $0 + "/torii/admin.sock" }
        return [user, "/run/torii/admin.sock"].compactMap(\.self)
            .first { isAnswered(.unix(path: $0)) }.map { "unix:" + $0 }
    }

    /// Whether somebody listens at the client's address.
    var isAnswered: Bool { address.socketAddresses.contains { Self.isAnswered($0) } }

    private static func isAnswered(_ address: SocketAddress) -> Bool {
        do throws(SystemError) {
            _ = try StreamSocket.connect(to: address)
            return true
        } catch {
            return false
        }
    }

    /// The address to connect to where the text is one to listen on: all interfaces include ours.
    private static func reachable(_ text: String) -> String {
        for (wildcard, loopback) in [("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")] {
            for prefix in ["", "http://"] where text.hasPrefix(prefix + wildcard) {
                return loopback + text.dropFirst((prefix + wildcard).count)
            }
        }
        return text
    }

    /// The JSON that the daemon has at `path`; an error answer is thrown.
    func get(_ path: String) throws -> JSONValue {
        try answer { () throws(HTTPClientError) in try client.send(method: .get, path: path) }
    }

    /// The JSON that the daemon answers to `body`; an error answer is thrown.
    func post(_ path: String, _ body: JSONValue) throws -> JSONValue {
        try answer { () throws(HTTPClientError) in
            try client.send(
                method: .post,
                path: path,
                headers: ["Content-Type": "application/json"],
                body: body.serializedBytes()
            )
        }
    }

    /// The JSON that the daemon answers when the thing at `path` is to go.
    func delete(_ path: String) throws -> JSONValue {
        try answer { () throws(HTTPClientError) in try client.send(method: .delete, path: path) }
    }

    private func answer(
        _ exchange: () throws(HTTPClientError) -> HTTPClientResponse
    ) throws -> JSONValue {
        let response = try connected(exchange)
        guard (200..<300).contains(response.status) else {
            throw failure(status: response.status, body: response.body)
        }
        do {
            return try JSONValue.parse(response.body)
        } catch {
            throw CommandFailure("\(address) does not answer like Torii: \(error)")
        }
    }

    /// Posts `body` and hands over the data of each server-sent event.
    ///
    /// - Parameters:
    ///   - path: The request target.
    ///   - body: The request.
    ///   - cancellation: Lets another thread end the call, which then throws
    ///     `HTTPClientError.cancelled`.
    ///   - onEvent: Gets each event's data; returning false hangs up.
    /// - Throws: `CommandFailure` with what the daemon or the connection said.
    func streamEvents(
        _ path: String,
        body: JSONValue,
        cancellation: HTTPClientCancellation? = nil,
        onEvent: (String) throws -> Bool
    ) throws {
        var parser = SSEParser()
        var status = 0
        var errorBody: [UInt8] = []
        try connected {
            try client.stream(
                method: .post,
                path: path,
                headers: ["Content-Type": "application/json", "Accept": "text/event-stream"],
                body: body.serializedBytes(),
                cancellation: cancellation,
                onHead: { status = $0.status },
                onBytes: { bytes in
                    guard status == 200 else {
                        errorBody += bytes.prefix(max(0, 65_536 - errorBody.count))
                        return true
                    }
                    for event in try parser.append(bytes) where try !onEvent(event.data) {
                        return false
                    }
                    return true
                }
            )
        }
        if status != 200 { throw failure(status: status, body: errorBody) }
    }

    private func connected<Result>(_ exchange: () throws -> Result) throws -> Result {
        do {
            return try exchange()
        } catch HTTPClientError.connectionFailed(let endpoint, let error) {
            throw CommandFailure(
                "no daemon answers at \(endpoint) (\(error.reason)): start one with `torii serve`, "
                    + "or name it with TORII_HOST"
            )
        } catch HTTPClientError.cancelled {
            throw HTTPClientError.cancelled
        } catch let error as HTTPClientError {
            throw CommandFailure("\(address): \(error)")
        }
    }

    /// The message of OpenAI's error envelope, with advice for the usual causes.
    private func failure(status: Int, body: [UInt8]) -> CommandFailure {
        let value = try? JSONValue.parse(body)
        var message = value?["error"]?["message"]?.stringValue ?? "status \(status)"
        // What follows is ours; one sentence without a full stop.
        if message.last == "." { message.removeLast() }
        switch status {
        case 401: return CommandFailure("\(message); put a key into TORII_API_KEY")
        case 404 where message.contains("model"):
            return CommandFailure("\(message); `torii list` shows what there is")
        default: return CommandFailure(message)
        }
    }
}

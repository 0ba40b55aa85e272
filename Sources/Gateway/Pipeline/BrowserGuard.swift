import Glibc
import HTTP
import OpenAIAPI
import Platform

/// Keeps web pages from driving this server behind their user's back.
///
/// Pure.
///
/// 1. A `Host` that names this server: an IP literal (it cannot be rebound by DNS), `localhost` or
/// below it, the machine's own name, or a configured name; else 403. Unix sockets are exempt.
/// 2. An `Origin`, if there is one, must be this server's own or a configured one; else 403.
/// 3. Without an allowed `Origin`, a request that the browser itself calls cross-site or same-site
/// (`Sec-Fetch-Site`) is refused.
/// 4. A body that a browser may send without asking (a form, plain text) needs to be JSON; programs
/// other than browsers may leave the content type out, or have curl's default.
struct BrowserGuard: Sendable {
    private let hosts: Set<String>
    private let origins: Set<String>

    init(allowedHosts: [String], allowedOrigins: [String], machineName: String?) {
        hosts = Set((allowedHosts + (machineName.map { [$0] } ?? [])).map { $0.lowercased() })
        origins = Set(
            allowedOrigins.map { origin in
                let origin = origin.lowercased()
                return origin.hasSuffix("/") ? String(origin.dropLast()) : origin
            }
        )
    }

    /// Refuses a request that a foreign web page may have caused.
    func check(_ request: HTTPRequest) throws(APIError) {
        guard isHostAllowed(request) else { throw .forbiddenHost }
        let origin = request.headers[first: "origin"]
        if let origin {
            guard isOriginAllowed(origin, request) else { throw .forbiddenOrigin }
        } else if let site = request.headers[first: "sec-fetch-site"]?.lowercased(),
            site == "cross-site" || site == "same-site"
        {
            throw .forbiddenOrigin
        }
        guard request.method == .post || request.method == .put || request.method == .patch else {
            return
        }
        if let encoding = request.headers[first: "content-encoding"],
            encoding.lowercased() != "identity"
        {
            throw .encodedBody
        }
        let isBrowser =
            origin != nil || request.headers.contains("sec-fetch-site")
            || request.headers.contains("referer")
        if isBrowser, !Self.isJSON(request.headers[first: "content-type"]) {
            throw .unsupportedMediaType
        }
    }

    /// The origin to name in `Access-Control-Allow-Origin`; nil when there is none, or a wrong one.
    func allowedOrigin(_ request: HTTPRequest) -> String? {
        guard let origin = request.headers[first: "origin"], isHostAllowed(request),
            isOriginAllowed(origin, request)
        else { return nil }
        return origin
    }

    private func isHostAllowed(_ request: HTTPRequest) -> Bool {
        if case .unix = request.local { return true }
        guard let host = request.headers[first: "host"], let name = Self.hostName(host) else {
            return false
        }
        if name == "localhost" || name.hasSuffix(".localhost") || hosts.contains(name) {
            return true
        }
        return SocketAddress(literal: name, port: 0) != nil
    }

    private func isOriginAllowed(_ origin: String, _ request: HTTPRequest) -> Bool {
        let origin = origin.lowercased()
        if origins.contains("*") || origins.contains(origin) { return true }
        // Its own origin: the Host has been found to name this server.
        guard let host = request.headers[first: "host"]?.lowercased() else { return false }
        return origin == "http://\(host)" || origin == "https://\(host)"
    }

    /// The name or literal of a `Host` value, in lower case, without port and brackets.
    static func hostName(_ host: String) -> String? {
        let host = host.lowercased()
        var name: Substring
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            name = host[host.index(after: host.startIndex)..<end]
        } else {
            name = host.prefix { $0 != ":" }
        }
        if name.hasSuffix(".") { name = name.dropLast() }
        return name.isEmpty ? nil : String(name)
    }

    private static func isJSON(_ contentType: String?) -> Bool {
        guard let type = contentType?.lowercased().split(separator: ";").first else { return false }
        let name = type.filter { $0 != " " && $0 != "\t" }
        return name == "application/json"
            || (name.hasPrefix("application/") && name.hasSuffix("+json"))
    }
}

extension BrowserGuard {
    /// The machine's own name, as gethostname(2) says it.
    static func machineName() -> String? {
        var name = [CChar](repeating: 0, count: 256)
        // Safety: the array is writable for its count; the last byte stays NUL.
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return nil }
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}

import APIKeys
import HTTP
import OpenAIAPI
import Platform
import Synchronization
import Telemetry

/// Decides who may make a request.
///
/// 1. Whoever comes by the admin socket may do everything.
/// 2. Where there are no keys, and never were, this machine may do all but make keys, which would
///    lock others out; other machines, if they may call at all, use models and look.
/// 3. Otherwise a request shows a key that is valid and has the scope that the route needs. An
///    address that has sent too many wrong ones waits.
///
/// Safe from any thread.
final class KeyGuard: Sendable {
    /// The keys.
    let ring: KeyRing
    private let adminSockets: Set<String>
    private let failures = Mutex(FailedKeyMeter())

    /// - Parameters:
    ///   - ring: The keys.
    ///   - adminSockets: The paths of the sockets that operators alone can reach.
    init(ring: KeyRing, adminSockets: Set<String>) {
        self.ring = ring
        self.adminSockets = adminSockets
    }

    /// Who makes the request; refuses what they may not do.
    ///
    /// - Parameters:
    ///   - request: The request's head.
    ///   - access: What its route needs.
    ///   - time: The time of the wall clock.
    ///   - onFlood: Called when an address has just sent so many wrong keys that it must wait.
    /// - Returns: Who it is.
    /// - Throws: The refusal.
    func check(
        _ request: HTTPRequest,
        _ access: Route.Access,
        time: Timestamp,
        onFlood: () -> Void
    ) throws(APIError) -> Caller {
        if case .unix(let path) = request.local, adminSockets.contains(path) {
            return Caller(isLocalAdmin: true)
        }
        guard access != .open else { return Caller() }
        let table = ring.table
        guard table.asksForKeys else {
            guard access != .keys else { throw .keysNeedAdmin }
            guard request.peer.isLoopback || access != .admin else { throw .adminNeedsKey }
            return Caller()
        }
        let now = request.arrival
        let wait = failures.withLock { $0.wait(for: request.peer, now: now) }
        guard wait == .zero else { throw .tooManyWrongKeys(wait) }
        guard let presented = Self.presentedKey(request.headers) else { throw .missingKey }
        switch table.identify(presented, now: time.seconds) {
        case .key(let key):
            if let scope = access.scope, !key.terms.scopes.allows(scope) {
                throw .missingScope(scope)
            }
            return Caller(key: key)
        case .expired: throw .expiredKey
        case .unknown:
            if failures.withLock({ $0.failed(request.peer, now: now) }) { onFlood() }
            throw .invalidKey
        }
    }

    /// The key as a client shows it.
    ///
    /// It comes as `Authorization: Bearer` (OpenAI's clients), `x-api-key` (Anthropic's) or
    /// `api-key` (Azure's).
    private static func presentedKey(_ headers: HTTPHeaders) -> String? {
        if let authorization = headers[first: "authorization"] {
            let parts = authorization.split(separator: " ", omittingEmptySubsequences: true)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
            return String(parts[1])
        }
        return headers[first: "x-api-key"] ?? headers[first: "api-key"]
    }
}

extension Route.Access {
    /// The scope that a key must have; nil where any key will do.
    fileprivate var scope: KeyScope? {
        switch self {
        case .open, .key: nil
        case .infer: .infer
        case .read: .read
        case .admin, .keys: .admin
        }
    }
}

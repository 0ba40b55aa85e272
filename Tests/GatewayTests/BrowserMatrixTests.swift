import Gateway
import HTTP
import JSON
import Platform
import Testing

/// Every combination of what a browser says about a request, against the rules as they are written
/// down: what a page of another origin may cause is decided by this table alone.
@Suite(.timeLimit(.minutes(15))) struct BrowserMatrixTests {
    private struct Host: Sendable {
        let value: String?
        let isOurs: Bool
    }

    private struct Origin: Sendable {
        let value: String?
        /// Whether it is on the list, or this server's own at that host.
        let isAllowed: @Sendable (Host) -> Bool
    }

    private static let hosts = [
        Host(value: nil, isOurs: false), Host(value: "", isOurs: false),
        Host(value: "evil.example", isOurs: false),
        Host(value: "evil.example:11435", isOurs: false),
        Host(value: "localhost.evil.example", isOurs: false),
        Host(value: "localhost:11435", isOurs: true), Host(value: "127.0.0.1:11435", isOurs: true),
        Host(value: "[::1]:11435", isOurs: true), Host(value: "models.lan", isOurs: true),
    ]

    private static let origins = [
        Origin(value: nil) { _ in true },
        Origin(value: "null") { _ in false },
        Origin(value: "https://evil.example") { _ in false },
        Origin(value: "http://localhost:3000") { _ in true },
        Origin(value: "http://localhost:11435") { $0.value == "localhost:11435" },
    ]

    private static let sites: [String?] = [nil, "none", "same-origin", "same-site", "cross-site"]
    private static let types: [String?] = [
        nil, "application/json", "text/plain", "multipart/form-data; boundary=x",
    ]
    private static let methods: [HTTPMethod] = [.get, .post, .delete, .options]

    /// The status that the rules demand; 200 stands for whatever an admitted request is answered.
    private static func expected(
        _ method: HTTPMethod,
        _ host: Host,
        _ origin: Origin,
        _ site: String?,
        _ type: String?
    ) -> Int {
        // 1. A name that DNS may point here is none of ours.
        guard host.isOurs else { return 403 }
        // 2. An origin must be allowed; that it equals the Host proves nothing by itself.
        guard origin.isAllowed(host) else { return 403 }
        // 3. Without one, the browser's own word counts.
        if origin.value == nil, site == "same-site" || site == "cross-site" { return 403 }
        if method == .options { return 204 }
        // 4. What a page may send without asking must not be understood.
        let isBrowser = origin.value != nil || site != nil
        if method == .post, isBrowser, type != "application/json" { return 415 }
        return 200
    }

    @Test func `admits just what the rules admit`() throws {
        let fake = try FakeGateway {
            $0.allowedHosts = ["models.lan"]
            $0.allowedOrigins = ["http://localhost:3000"]
        }
        var count = 0
        for method in Self.methods {
            for host in Self.hosts {
                for origin in Self.origins {
                    for site in Self.sites {
                        for type in Self.types {
                            count += 1
                            let request = Self.request(method, host, origin, site, type)
                            let wanted = Self.expected(method, host, origin, site, type)
                            let (status, headers) = Self.answer(fake, request)
                            #expect(status == wanted, "\(method) \(request.headers)")
                            let named = headers[first: "access-control-allow-origin"]
                            // Never a wildcard, never for whom it is not.
                            let isAllowed = host.isOurs && origin.isAllowed(host)
                            if status != 200 {
                                #expect(named == (isAllowed ? origin.value : nil))
                            }
                            #expect(!headers.contains("access-control-allow-credentials"))
                        }
                    }
                }
            }
        }
        #expect(count == 4 * 9 * 5 * 5 * 4)
    }

    private static func request(
        _ method: HTTPMethod,
        _ host: Host,
        _ origin: Origin,
        _ site: String?,
        _ type: String?
    ) -> HTTPRequest {
        var headers: HTTPHeaders = [:]
        let fields = [
            ("host", host.value), ("origin", origin.value), ("sec-fetch-site", site),
            ("content-type", type),
        ]
        for (name, value) in fields { if let value { headers.add(name, value) } }
        return HTTPRequest(
            method: method,
            target: method == .delete
                ? "/admin/v1/requests/none" : method == .post ? "/v1/completions" : "/livez",
            headers: headers,
            peer: .loopback4(port: 40_000),
            local: .loopback4(port: 11_435)
        )
    }

    private static func answer(
        _ fake: FakeGateway,
        _ request: HTTPRequest
    ) -> (Int, HTTPHeaders) {
        guard case .answer(let status, let headers, _) = fake.gateway.admit(request) else {
            return (200, [:])
        }
        return (status, headers)
    }
}

import APIKeys
import Gateway
import HTTP
import JSON
import Platform
import Testing

@Suite(.timeLimit(.minutes(15))) struct GuardTests {
    @Test(arguments: [
        ("localhost:11435", 200), ("LOCALHOST", 200), ("a.localhost:1", 200),
        ("127.0.0.1:11435", 200), ("[::1]:11435", 200), ("192.168.1.5", 200), ("ai.lan:1", 200),
        ("localhost.", 200), ("evil.example", 403), ("localhost.evil.example", 403), ("", 403),
        ("[::1", 403), ("evil.example:127.0.0.1", 403),
    ])
    func `checks the host on every TCP listener`(_ host: String, _ status: Int) async throws {
        let fake = try FakeGateway { $0.allowedHosts = ["AI.lan"] }
        let answer = await fake.sendTCP(.get, "/livez", ["host": host])
        #expect(answer.status == status)
        if status == 403 { #expect(try answer.error()["code"] == "forbidden_host") }
    }

    @Test func `checks no host on a unix socket and demands one on TCP`() async throws {
        let fake = try FakeGateway()
        #expect(await fake.send(.get, "/livez").status == 200)
        #expect(await fake.sendTCP(.get, "/livez", [:]).status == 403)
    }

    @Test(arguments: [
        ("http://localhost:11435", 200), ("https://app.example", 200), ("HTTPS://APP.example", 200),
        ("null", 403), ("https://evil.example", 403), ("http://localhost:3000", 403),
        ("https://app.example.evil.example", 403),
    ])
    func `checks the origin`(_ origin: String, _ status: Int) async throws {
        let fake = try FakeGateway { $0.allowedOrigins = ["https://app.example/"] }
        let answer = await fake.sendTCP(
            .get,
            "/livez",
            ["host": "localhost:11435", "origin": origin]
        )
        #expect(answer.status == status)
        let allowed = status == 200 ? origin : nil
        #expect(answer.headers[first: "access-control-allow-origin"] == allowed)
        #expect(answer.headers[first: "vary"] == "Origin")
    }

    @Test(arguments: [
        ("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200),
    ])
    func `believes the browser about cross-site requests`(_ site: String, _ status: Int)
        async throws
    {
        let fake = try FakeGateway()
        let headers: HTTPHeaders = ["host": "localhost", "sec-fetch-site": site]
        #expect(await fake.sendTCP(.get, "/livez", headers).status == status)
    }

    @Test(
        arguments: [
            ([:], 400), (["content-type": "application/x-www-form-urlencoded"], 400),
            (["content-type": "text/plain", "origin": "http://localhost"], 415),
            (["content-type": "text/plain", "referer": "http://localhost/"], 415),
            (["sec-fetch-site": "same-origin"], 415),
            (
                ["content-type": "application/json; charset=utf-8", "origin": "http://localhost"],
                400
            ),
            (["content-encoding": "gzip"], 415),
        ] as [(HTTPHeaders, Int)]
    )
    func `demands JSON from browsers and is lenient to programs`(
        _ headers: HTTPHeaders,
        _ status: Int
    ) async throws {
        let fake = try FakeGateway()
        var headers = headers
        headers.add("host", "localhost")
        let answer = await fake.sendTCP(.post, "/v1/completions", headers)
        // 400 is the empty body's: the guard has let it pass.
        #expect(answer.status == status)
    }

    @Test func `answers a preflight of an allowed origin only`() async throws {
        let fake = try FakeGateway { $0.allowedOrigins = ["https://app.example"] }
        let asked = "authorization,content-type,x-stainless-lang"
        let good = await fake.sendTCP(
            .options,
            "/v1/chat/completions",
            [
                "host": "localhost", "origin": "https://app.example",
                "access-control-request-headers": asked,
            ]
        )
        #expect(good.status == 204 && good.body.isEmpty)
        #expect(good.headers[first: "access-control-allow-origin"] == "https://app.example")
        #expect(good.headers[first: "access-control-allow-headers"] == asked)
        let evil = await fake.sendTCP(
            .options,
            "/v1/chat/completions",
            ["host": "localhost", "origin": "https://evil.example"]
        )
        #expect(evil.status == 403)
        #expect(evil.headers[first: "access-control-allow-origin"] == nil)
    }

    @Test(
        arguments: [
            (["authorization": "Bearer secret-1"], 200),
            (["authorization": "bearer  secret-2"], 200),
            (["x-api-key": "secret-1"], 200), (["api-key": "secret-2"], 200), ([:], 401),
            (["authorization": "Bearer secret-"], 401),
            (["authorization": "Bearer secret-11"], 401),
            (["authorization": "Bearer "], 401), (["authorization": "Basic secret-1"], 401),
            (["x-api-key": ""], 401),
        ] as [(HTTPHeaders, Int)]
    )
    func `asks for a key where one is configured`(_ headers: HTTPHeaders, _ status: Int)
        async throws
    {
        let fake = try FakeGateway {
            $0.apiKeys = [APIKey("secret-1", name: "a"), APIKey("secret-2", name: "b")]
        }
        let answer = await fake.send(.get, "/v1/models", headers: headers)
        #expect(answer.status == status)
        if status == 401 {
            #expect(try answer.error()["code"] == "invalid_api_key")
            #expect(answer.headers[first: "www-authenticate"] == "Bearer")
        }
    }

    @Test func `leaves the probes open and ignores keys that nobody asked for`() async throws {
        let closed = try FakeGateway { $0.apiKeys = [APIKey("secret", name: "a")] }
        for path in ["/health", "/livez", "/readyz", "/version", "/openapi.yaml", "/"] {
            #expect(await closed.send(.get, path).status == 200)
        }
        #expect(await closed.send(.get, "/admin/v1/status").status == 401)
        let open = try FakeGateway()
        let answer = await open.send(.get, "/v1/models", headers: ["authorization": "Bearer x"])
        #expect(answer.status == 200)
    }

    @Test func `refuses from the head alone, before the body is read`() throws {
        let fake = try FakeGateway { $0.apiKeys = [APIKey("secret", name: "a")] }
        let request = HTTPRequest(method: .post, target: "/v1/completions")
        guard case .answer(let status, let headers, let body) = fake.gateway.admit(request) else {
            Issue.record("a request without a key is admitted")
            return
        }
        #expect(status == 401 && headers[first: "content-type"] == "application/json")
        #expect(try JSONValue.parse(body)["error"]?["type"] == "invalid_request_error")
    }

    @Test func `answers unknown paths and wrong methods with JSON`() async throws {
        let fake = try FakeGateway()
        let unknown = await fake.send(.get, "/v1/nope?key=secret")
        #expect(unknown.status == 404)
        #expect(try unknown.error()["code"] == "unknown_url")
        #expect(!String(decoding: unknown.body, as: UTF8.self).contains("secret"))
        let wrong = await fake.send(.get, "/v1/chat/completions")
        #expect(wrong.status == 405)
        #expect(wrong.headers[first: "allow"] == "POST, OPTIONS")
        #expect(wrong.headers[first: "x-request-id"] == "req_1")
    }
}

extension FakeGateway {
    /// The answer to a request over TCP, where the Host is checked.
    func sendTCP(
        _ method: HTTPMethod,
        _ target: String,
        _ headers: HTTPHeaders
    ) async -> HTTPResponseRecorder.Recording {
        await HTTPResponseRecorder.record(
            HTTPRequest(
                method: method,
                target: target,
                headers: headers,
                peer: .loopback4(port: 40_000),
                local: .loopback4(port: 11_435)
            ),
            by: gateway
        )
    }
}

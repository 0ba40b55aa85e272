import APIKeys
import Gateway
import HTTP
import JSON
import Platform
import TestSupport
import Testing

/// Keys: what they let through, how they are made and ended, and what is counted for them.
@Suite(.timeLimit(.minutes(15))) struct KeyTests {
    /// Every route with every scope, by a path of its own; what lies behind does not matter.
    @Test(arguments: RouteTable.all)
    func `lets each scope do what its routes are for and nothing else`(_ route: Route) async throws
    {
        let fake = try FakeGateway()
        var secrets: [KeyScope: String] = [:]
        for scope in KeyScope.allCases {
            secrets[scope] = try fake.addKey(KeyTerms(name: scope.rawValue, scopes: [scope]))
        }
        let path = route.path.replacing("{id}", with: "none")
        func status(_ secret: String?) -> Int {
            let headers: HTTPHeaders = secret.map { ["authorization": "Bearer \($0)"] } ?? [:]
            let request = HTTPRequest(method: route.method, target: path, headers: headers)
            guard case .answer(let status, _, _) = fake.gateway.admit(request) else { return 200 }
            return status
        }
        #expect(status(nil) == (route.access == .open ? 200 : 401))
        #expect(status(secrets[.admin]) == 200)
        let infers = [.open, .key, .infer].contains(route.access)
        #expect(status(secrets[.infer]) == (infers ? 200 : 403))
        let reads = [.open, .key, .read].contains(route.access)
        #expect(status(secrets[.read]) == (reads ? 200 : 403))
    }

    @Test func `makes a key that works at once and shows it only then`() async throws {
        let fake = try FakeGateway.administered()
        let made = await fake.sendAdmin(
            .post,
            "/admin/v1/keys",
            ["name": "alice", "models": ["go*"], "requests_per_minute": 100]
        )
        #expect(made.status == 201 && made.headers[first: "cache-control"] == "no-store")
        let secret = try #require(try made.json()["key"]?.stringValue)
        #expect(await fake.models(with: secret) == ["good"])
        #expect(await fake.send(.get, "/v1/models").status == 401, "keys are asked for now")
        let listed = await fake.sendAdmin(.get, "/admin/v1/keys")
        let key = try #require(try listed.json()["keys"]?[0])
        #expect(key["name"] == "alice" && key["requests_per_minute"] == 100)
        #expect(key["source"] == "store" && key["expired"] == false && key["scopes"] == ["infer"])
        #expect(!String(decoding: listed.body, as: UTF8.self).contains(secret.suffix(43)))
        #expect(try !Files.text(of: fake.keyStore.path).contains(secret.suffix(43)))
    }

    @Test func `ends a key and what it has under way at once`() async throws {
        let fake = try FakeGateway.administered()
        let secret = try fake.addKey(KeyTerms(name: "alice"))
        let headers: HTTPHeaders = ["authorization": "Bearer \(secret)"]
        async let running = fake.chat("!wait", headers: headers)
        try await fake.awaitRequest()
        #expect(await fake.sendAdmin(.delete, "/admin/v1/keys/alice").status == 200)
        #expect(try await running.error()["code"] == "request_cancelled")
        #expect(await fake.chat("hello", headers: headers).status == 401)
        let again = await fake.sendAdmin(.delete, "/admin/v1/keys/alice")
        #expect(again.status == 404)
        #expect(try again.error()["code"] == "key_not_found")
    }

    @Test func `says which member of a new key is wrong`() async throws {
        let fake = try FakeGateway.administered()
        for (member, value) in [("scope", "infer"), ("weight", 0), ("name", "a b")]
            as [(String, JSONValue)]
        {
            var body: JSONObject = ["name": "a"]
            body[member] = value
            let answer = await fake.sendAdmin(.post, "/admin/v1/keys", .object(body))
            #expect(answer.status == 400)
            #expect(try answer.error()["param"] == .string(member))
        }
        #expect(await fake.sendAdmin(.post, "/admin/v1/keys", ["name": "a"]).status == 201)
        let taken = await fake.sendAdmin(.post, "/admin/v1/keys", ["name": "a"])
        #expect(taken.status == 409)
        #expect(try taken.error()["param"] == "name")
    }

    @Test func `lets nobody but operators make the first key`() async throws {
        let fake = try FakeGateway.administered()
        let answer = await fake.send(.post, "/admin/v1/keys", body: ["name": "eve"])
        #expect(answer.status == 403)
        #expect(try answer.error()["code"] == "keys_need_admin")
        #expect(await fake.send(.get, "/admin/v1/keys").status == 403)
        #expect(await fake.send(.get, "/admin/v1/status").status == 200)
    }

    @Test func `lets other machines without keys use models but not change anything`() async throws
    {
        let fake = try FakeGateway()
        func status(_ method: HTTPMethod, _ path: String) -> Int {
            let request = HTTPRequest(
                method: method,
                target: path,
                headers: ["host": "192.168.1.2"],
                peer: .ipv4(address: 0xC0A8_0105, port: 1),
                local: .ipv4(address: 0xC0A8_0102, port: 11_435)
            )
            guard case .answer(let status, _, _) = fake.gateway.admit(request) else { return 200 }
            return status
        }
        #expect(status(.post, "/v1/chat/completions") == 200)
        #expect(status(.get, "/admin/v1/models") == 200)
        #expect(status(.post, "/admin/v1/models/good/load") == 403)
        #expect(status(.post, "/admin/v1/keys") == 403)
    }

    @Test func `hides the models that a key may not use`() async throws {
        let fake = try FakeGateway(models: ["good", "good-secret", "other"])
        let secret = try fake.addKey(KeyTerms(name: "a", models: [ModelPattern("ALIAS/*")]))
        #expect(await fake.models(with: secret) == ["good"])
        let headers: HTTPHeaders = ["authorization": "Bearer \(secret)"]
        for (model, status) in [
            ("good", 200), ("alias/of:good", 200), ("other", 404), ("good-s", 404), ("none", 404),
        ] {
            let answer = await fake.chat("hello", ["model": .string(model)], headers: headers)
            #expect(answer.status == status, "\(model)")
            let listed = await fake.send(.get, "/v1/models/\(model)", headers: headers)
            #expect(listed.status == status, "\(model)")
            guard status == 404 else { continue }
            #expect(try answer.error()["code"] == "model_not_found")
            #expect(!String(decoding: answer.body, as: UTF8.self).contains("good-secret"))
        }
        let unnamed = await fake.send(
            .post,
            "/tokenize",
            headers: headers,
            body: ["content": "hello"]
        )
        #expect(unnamed.status == 400)
    }

    @Test func `holds a key to its requests and tokens in a minute`() async throws {
        let fake = try FakeGateway()
        // All at one moment, however long it takes.
        let moment = MonotonicInstant.now()
        func chat(_ text: String, _ key: String) async -> HTTPResponseRecorder.Recording {
            let body: JSONValue = [
                "model": "good", "messages": [["role": "user", "content": .string(text)]],
            ]
            return await HTTPResponseRecorder.record(
                HTTPRequest(
                    method: .post,
                    target: "/v1/chat/completions",
                    headers: ["x-api-key": key],
                    body: body.serializedBytes(),
                    arrival: moment
                ),
                by: fake.gateway
            )
        }
        let two = try fake.addKey(KeyTerms(name: "two", requestsPerMinute: 2))
        let first = await chat("hello", two)
        #expect(first.status == 200 && first.headers[first: "x-ratelimit-limit-requests"] == "2")
        #expect(await chat("hello", two).status == 200)
        let third = await chat("hello", two)
        #expect(third.status == 429 && third.headers[first: "retry-after"] == "30")
        #expect(try third.error()["code"] == "rate_limit_exceeded")
        #expect(await fake.send(.get, "/v1/models", headers: ["x-api-key": two]).status == 200)
        let few = try fake.addKey(KeyTerms(name: "few", tokensPerMinute: 8))
        #expect(await chat("one two three", few).status == 200)
        let poor = await chat("hello", few)
        #expect(poor.status == 429 && poor.headers[first: "x-ratelimit-limit-tokens"] == "8")
    }

    @Test func `holds a key to its requests at the same time`() async throws {
        let fake = try FakeGateway.administered()
        let secret = try fake.addKey(KeyTerms(name: "one", concurrentRequests: 1))
        let headers: HTTPHeaders = ["authorization": "Bearer \(secret)"]
        let task = Task { await fake.chat("!wait", headers: headers) }
        try await fake.awaitRequest()
        #expect(await fake.chat("hello", headers: headers).status == 429)
        task.cancel()
        _ = await task.value
        #expect(await fake.chat("hello", headers: headers).status == 200)
    }

    @Test func `counts what keys use by day and model`() async throws {
        let fake = try FakeGateway.administered()
        let secret = try fake.addKey(KeyTerms(name: "alice"))
        let headers: HTTPHeaders = ["authorization": "Bearer \(secret)"]
        _ = await fake.chat("one two", headers: headers)
        _ = await fake.chat("one", headers: headers)
        _ = await fake.chat("!full", headers: headers)
        let usage = try await fake.sendAdmin(.get, "/admin/v1/usage?key=alice&days=2").json()
        let line = try #require(usage["usage"]?[0])
        #expect(line["key"] == "alice" && line["model"] == "good" && line["requests"] == 3)
        #expect(line["prompt_tokens"] == 14 && line["output_tokens"] == 3)
        #expect(usage["total"]?["cached_tokens"] == 6)
        #expect(try await fake.sendAdmin(.get, "/admin/v1/usage?key=bob").json()["usage"] == [])
        #expect(await fake.sendAdmin(.get, "/admin/v1/usage?days=0").status == 400)
        let listed = try await fake.sendAdmin(.get, "/admin/v1/keys").json()
        #expect(listed["keys"]?[0]?["last_used"] == line["day"])
    }

    @Test func `makes an address wait that tries one wrong key after the other`() async throws {
        let fake = try FakeGateway { $0.apiKeys = [APIKey("right", name: "a")] }
        func status(_ key: String, from address: UInt32) async -> Int {
            await HTTPResponseRecorder.record(
                HTTPRequest(
                    method: .get,
                    target: "/v1/models",
                    headers: ["host": "192.168.1.2", "x-api-key": key],
                    peer: .ipv4(address: address, port: 1),
                    local: .ipv4(address: 0xC0A8_0102, port: 11_435)
                ),
                by: fake.gateway
            ).status
        }
        for _ in 0..<60 { #expect(await status("wrong", from: 0xC0A8_0105) == 401) }
        #expect(await status("right", from: 0xC0A8_0105) == 429)
        #expect(await status("right", from: 0xC0A8_0106) == 200)
        #expect(fake.logEntries().filter { $0.message == "too many wrong keys" }.count == 1)
    }

    @Test func `writes down who has changed keys`() async throws {
        let fake = try FakeGateway.administered()
        let made = await fake.sendAdmin(.post, "/admin/v1/keys", ["name": "alice"])
        let secret = try #require(try made.json()["key"]?.stringValue)
        _ = await fake.sendAdmin(.delete, "/admin/v1/keys/alice")
        let entries = fake.logEntries().filter { $0.message.hasPrefix("key ") }
        #expect(entries.map(\.message) == ["key added", "key revoked"])
        for entry in entries {
            let line = entry.line
            #expect(line.contains("actor=admin-socket") && line.contains("object=alice"))
            #expect(line.contains("event=key_"))
        }
        #expect(!fake.logEntries().contains { $0.line.contains(secret.suffix(43)) })
    }

    @Test func `does not touch the keys of the operator's own file`() async throws {
        let fake = try FakeGateway.administered { $0.apiKeys = [APIKey("secret", name: "mine")] }
        let answer = await fake.sendAdmin(.delete, "/admin/v1/keys/mine")
        #expect(answer.status == 409)
        #expect(try answer.error()["code"] == "key_in_file")
        let listed = try await fake.sendAdmin(.get, "/admin/v1/keys").json()
        #expect(listed["keys"]?[0]?["source"] == "file")
    }

    @Test func `refuses a key that has ended`() async throws {
        let fake = try FakeGateway()
        let secret = try fake.addKey(KeyTerms(name: "guest", expires: 1))
        let answer = await fake.send(.get, "/v1/models", headers: ["x-api-key": secret])
        #expect(answer.status == 401)
        #expect(try answer.error()["code"] == "expired_api_key")
    }
}

extension FakeGateway {
    /// The path of the admin socket of `administered` gateways.
    private static let adminSocket = "/run/fake/admin.sock"

    /// A gateway with an admin socket.
    static func administered(
        models: [String] = ["good"],
        change: (inout GatewayConfiguration) -> Void = { _ in }
    ) throws -> FakeGateway {
        try FakeGateway(models: models) { configuration in
            configuration.adminSockets = [adminSocket]
            change(&configuration)
        }
    }

    /// The answer to a request by the admin socket.
    func sendAdmin(
        _ method: HTTPMethod,
        _ target: String,
        _ body: JSONValue? = nil
    ) async -> HTTPResponseRecorder.Recording {
        await HTTPResponseRecorder.record(
            HTTPRequest(
                method: method,
                target: target,
                body: body?.serializedBytes() ?? [],
                local: .unix(path: Self.adminSocket)
            ),
            by: gateway
        )
    }

    /// Waits until a request is under way.
    func awaitRequest() async throws {
        while try await sendAdmin(.get, "/admin/v1/requests").json()["requests"]?[0] == nil {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    /// Adds a key behind the gateway's back, as the command line does, and returns its secret.
    func addKey(_ terms: KeyTerms) throws -> String {
        let secret = try keyStore.add(terms, now: 1).secret.text
        var later = GatewayConfiguration(version: "9.9")
        later.apiKeys = []
        gateway.reconfigure(later)
        return secret
    }

    /// The ids of the models that a key sees.
    func models(with secret: String) async -> [String] {
        let headers: HTTPHeaders = ["authorization": "Bearer \(secret)"]
        let list = try? await send(.get, "/v1/models", headers: headers).json()["data"]?.arrayValue
        return (list ?? []).compactMap { $0["id"]?.stringValue }
    }
}

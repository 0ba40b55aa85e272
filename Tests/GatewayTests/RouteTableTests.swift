import Gateway
import HTTP
import Testing

@Suite struct RouteTableTests {
    @Test(arguments: [
        "/v1/chat/completions", "/v1/chat/completions/", "//v1/chat/completions",
        "/v1//chat/completions", "/chat/completions", "//chat/completions/",
    ])
    func `finds a path with and without v1 and with extra slashes`(_ path: String) {
        #expect(endpoint(.post, path) == .chatCompletions)
    }

    @Test(arguments: [
        ("/v1/models/a", "a"), ("/v1/models/org/name:tag", "org/name:tag"),
        ("/v1/models/org%2Fname%3Atag", "org/name:tag"), ("/models/a%2fb/", "a/b"),
        ("/v1/models/a%zz", "a%zz"), ("/v1/models/%C3%A9", "é"), ("/v1/models/%FF", "%FF"),
    ])
    func `takes a model's id from the rest of the path`(_ path: String, _ id: String) {
        guard case .found(let route, let parameter) = RouteTable.match(.get, rawPath: path) else {
            Issue.record("\(path) is not found")
            return
        }
        #expect(route.endpoint == .model)
        #expect(parameter == id)
    }

    @Test func `tells models from one model`() {
        #expect(endpoint(.get, "/v1/models/") == .models)
        #expect(endpoint(.get, "/") == .root)
        #expect(endpoint(.head, "/v1/models") == .models)
    }

    @Test(arguments: ["/nope", "/v1", "/v1/v1/models", "/v2/models", "/livez/x", "*", "/V1/models"])
    func `does not find other paths`(_ path: String) {
        #expect(RouteTable.match(.get, rawPath: path) == .notFound)
    }

    @Test func `names the methods of a path that has others`() {
        #expect(
            RouteTable.match(.get, rawPath: "/v1/completions")
                == .wrongMethod(allowed: [.post, .options])
        )
        #expect(
            RouteTable.match(.delete, rawPath: "/v1/models/a")
                == .wrongMethod(allowed: [.get, .head, .options])
        )
    }

    @Test func `has a route for every endpoint`() {
        #expect(Set(RouteTable.all.map(\.endpoint)) == Set(Route.Endpoint.allCases))
    }

    @Test func `is described by openapi.yaml exactly`() async throws {
        let file = await (try FakeGateway()).send(.get, "/openapi.yaml")
        #expect(file.headers[first: "content-type"] == "application/yaml")
        var described: [String] = []
        var path: Substring = ""
        for line in String(decoding: file.body, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("  /"), line.hasSuffix(":") { path = line.dropFirst(2).dropLast() }
            for method in HTTPMethod.allCases where line == "    \(method.rawValue.lowercased()):" {
                described.append("\(method.rawValue) \(path)")
            }
        }
        #expect(described == RouteTable.all.map { "\($0.method.rawValue) \($0.path)" })
    }

    private func endpoint(_ method: HTTPMethod, _ path: String) -> Route.Endpoint? {
        guard case .found(let route, _) = RouteTable.match(method, rawPath: path) else {
            return nil
        }
        return route.endpoint
    }
}

import APIKeys
import Gateway
import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(15))) struct AccountTests {
    /// The account that the worker saw.
    private func account(
        _ fake: FakeGateway,
        headers: HTTPHeaders = [:],
        _ members: JSONObject = [:]
    ) async throws -> JSONValue {
        let answer = await fake.chat("!request", members, headers: headers)
        let text = try answer.json()["choices"]?[0]?["message"]?["content"]?.stringValue
        return try JSONValue.parse(try #require(text))
    }

    @Test func `charges requests without a key to one account`() async throws {
        let fake = try FakeGateway()
        let seen = try await account(fake)
        #expect(seen["key"] == "anonymous" && seen["user"] == "" && seen["namespace"] == "")
        #expect(seen["weight"] == 1.0 && seen["class"] == "normal")
        await fake.service.shutdown()
    }

    @Test func `charges a key by its name, weight and class`() async throws {
        let fake = try FakeGateway {
            $0.apiKeys = [
                APIKey("secret-1", name: "chat", weight: 2, priority: .interactive),
                APIKey("secret-2", name: "nightly", priority: .batch, isPrivate: true),
            ]
        }
        let chat = try await account(fake, headers: ["authorization": "Bearer secret-1"])
        #expect(chat["key"] == "chat" && chat["weight"] == 2.0 && chat["class"] == "interactive")
        #expect(chat["namespace"] == "")
        let nightly = try await account(fake, headers: ["x-api-key": "secret-2"])
        #expect(nightly["key"] == "nightly" && nightly["class"] == "batch")
        #expect(nightly["namespace"] == "nightly")
        #expect(fake.logEntries().last?.line.contains("key=nightly") == true)
        #expect(fake.logEntries().last?.line.contains("secret") == false)
        await fake.service.shutdown()
    }

    @Test(
        arguments: [
            ([:], ["user": "old"], "old"),
            ([:], ["user": "old", "safety_identifier": "new"], "new"),
            (["X-OpenWebUI-User-Id": "web"], ["safety_identifier": "new"], "web"),
        ] as [(HTTPHeaders, JSONObject, String)]
    )
    func `takes the user from the header before the body`(
        _ headers: HTTPHeaders,
        _ members: JSONObject,
        _ user: String
    ) async throws {
        let fake = try FakeGateway()
        let seen = try await account(fake, headers: headers, members)
        #expect(seen["user"] == .string(user))
        await fake.service.shutdown()
    }

    @Test func `keeps the name of a user short`() async throws {
        let fake = try FakeGateway()
        let name = String(repeating: "u", count: 100_000)
        let seen = try await account(fake, ["user": .string(name)])
        #expect(seen["user"]?.stringValue?.utf8.count == 256)
        await fake.service.shutdown()
    }
}

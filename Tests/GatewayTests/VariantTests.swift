import Gateway
import JSON
import ModelService
import Testing

/// Request defaults of models and of their variants.
@Suite(.timeLimit(.minutes(15))) struct VariantTests {
    private func fake() throws -> FakeGateway {
        try FakeGateway(services: { configuration in
            var requests = RequestDefaults()
            requests.temperature = 1.5
            requests.topP = 0.5
            requests.topK = 7
            requests.minP = 0.25
            requests.maximumOutputTokens = 9000
            requests.system = "In verse."
            configuration.models["poet"] = ModelConfigurationEntry(
                variantOf: "good",
                requests: requests
            )
        })
    }

    /// What reached the worker.
    private func request(_ fake: FakeGateway, _ members: JSONObject) async throws -> JSONValue {
        let answer = await fake.chat("!request", members)
        let content = try answer.json()["choices"]?[0]?["message"]?["content"]
        return try JSONValue.parse(content?.stringValue ?? "")
    }

    @Test func `applies a variant's defaults where the request is silent`() async throws {
        let fake = try fake()
        let silent = try await request(fake, ["model": "poet"])
        #expect(silent["temperature"] == 1.5 && silent["top_p"] == 0.5 && silent["top_k"] == 7)
        #expect(silent["min_p"] == 0.25 && silent["max"] == 9000)
        #expect(silent["messages"]?[0] == ["role": "system", "content": "In verse."])
        #expect(silent["messages"]?[1]?["role"] == "user")

        let spoken = try await request(
            fake,
            [
                "model": "poet", "temperature": 0.25, "max_completion_tokens": 5000, "top_k": nil,
                "messages": [
                    ["role": "system", "content": "In prose."],
                    ["role": "user", "content": "!request"],
                ],
            ]
        )
        #expect(spoken["temperature"] == 0.25 && spoken["max"] == 5000 && spoken["top_k"] == 7)
        #expect(spoken["messages"]?.arrayValue?.count == 2)
        #expect(spoken["messages"]?[0]?["content"] == "In prose.")

        let plain = try await request(fake, ["model": "good"])
        #expect(plain["top_k"] == 40 && plain["messages"]?.arrayValue?.count == 1)
        await fake.service.shutdown()
    }

    @Test func `names the right message when a variant's chat is wrong`() async throws {
        let fake = try fake()
        let answer = await fake.chat("", ["model": "poet", "messages": [["role": "user"], 1]])
        #expect(answer.status == 400)
        let parameter = try answer.error()["param"]?.stringValue ?? ""
        #expect(parameter.hasPrefix("messages[0]") || parameter.hasPrefix("messages[1]"))
        #expect(!parameter.contains("messages[2]"))
        await fake.service.shutdown()
    }

    @Test func `lists variants for clients and for operators`() async throws {
        let fake = try fake()
        let listed = try await fake.send(.get, "/v1/models").json()["data"]?.arrayValue ?? []
        #expect(listed.map { $0["id"] } == ["good", "poet"])
        let models = try await fake.send(.get, "/admin/v1/models").json()["models"]
        #expect(models?[0]?["variant_of"] == .some(nil) && models?[1]?["variant_of"] == "good")
        let text = await fake.complete("one two", ["model": "poet", "echo": false])
        #expect(try text.json()["model"] == "poet")
        await fake.service.shutdown()
    }
}

import APIKeys
import Gateway
import HTTP
import Testing

/// The configuration, read again by the admin API.
@Suite(.timeLimit(.minutes(15))) struct ReloadTests {
    @Test func `says what changed, or what is wrong`() async throws {
        let fake = try FakeGateway()
        let none = await fake.send(.post, "/admin/v1/reload")
        #expect(none.status == 400)
        fake.gateway.onReload {
            .applied(
                ReloadOutcome.Applied(
                    changed: ["log_level"],
                    needingRestart: ["listen"],
                    leaving: ["good"],
                    modelCount: 3
                )
            )
        }
        let good = await fake.send(.post, "/admin/v1/reload")
        #expect(good.status == 200)
        #expect(
            try good.json() == [
                "changed": ["log_level"], "restart_needed": ["listen"], "unloading": ["good"],
                "models": 3,
            ]
        )
        fake.gateway.onReload { .refused(problems: ["torii.json: line 3: wrong", "and that"]) }
        let bad = await fake.send(.post, "/admin/v1/reload")
        #expect(bad.status == 400)
        let error = try bad.error()
        #expect(error["code"] == "invalid_configuration")
        let message = error["message"]?.stringValue ?? ""
        #expect(message.hasSuffix("torii.json: line 3: wrong; and that"))
        fake.gateway.beginStopping()
        #expect(await fake.send(.post, "/admin/v1/reload").status == 503)
    }

    @Test func `asks for the keys of the new configuration from the next request on`() async throws
    {
        let old = APIKey("old-secret", name: "old")
        let fake = try FakeGateway { $0.apiKeys = [old] }
        func status(_ secret: String) async -> Int {
            await fake.send(.get, "/v1/models", headers: ["authorization": "Bearer \(secret)"])
                .status
        }
        #expect(await status("old-secret") == 200)
        var changed = GatewayConfiguration(version: "9.9")
        changed.apiKeys = [APIKey("new-secret", name: "new")]
        changed.allowedHosts = ["ai.lan"]
        fake.gateway.reconfigure(changed)
        #expect(await status("old-secret") == 401)
        #expect(await status("new-secret") == 200)
        #expect(await fake.sendTCP(.get, "/livez", ["host": "ai.lan"]).status == 200)
    }

    @Test func `tells a reload in one line`() {
        let nothing = ReloadOutcome.Applied(
            changed: [],
            needingRestart: [],
            leaving: [],
            modelCount: 1
        )
        #expect(ReloadOutcome.applied(nothing).summary == "nothing changed")
        var much = nothing
        much.changed = ["log_level", "models.defaults"]
        much.leaving = ["tiny"]
        #expect(
            ReloadOutcome.applied(much).summary
                == "changed log_level, models.defaults; unloading tiny"
        )
        #expect(
            ReloadOutcome.refused(problems: ["a", "b"]).summary
                == "refused, the old configuration stays: a; b"
        )
    }
}

import ModelService
import TestSupport
import Testing

/// Another configuration while models run.
@Suite(.timeLimit(.minutes(15))) struct ReconfigurationTests {
    private func configuration(
        _ fake: FakeService,
        _ models: [String: ModelConfigurationEntry] = [:],
        defaults: ModelConfigurationEntry = ModelConfigurationEntry(),
        directories: [String]? = nil
    ) -> ModelServiceConfiguration {
        ModelServiceConfiguration(
            directories: directories ?? [fake.directory.path],
            models: models,
            defaults: defaults,
            workerExecutable: "/nonexistent"
        )
    }

    @Test func `touches only the models whose own settings changed`() async throws {
        let fake = try FakeService(models: ["good", "other"])
        _ = try await fake.answer("one")
        let running = try await fake.service.lease("good")
        _ = try await fake.answer("two", model: "other")
        let pids = await fake.service.status().map(\.pid)

        let outcome = await fake.service.reconfigure(
            configuration(fake, ["good": ModelConfigurationEntry(contextLength: 512)])
        )
        #expect(outcome.leaving == ["good"] && outcome.modelCount == 2)
        #expect(try await fake.service.status(named: "good").state == .draining)
        // What runs is not hurt, and who comes now gets the new settings.
        let next = Task { try await fake.service.lease("good") }
        try await fake.wait { $0.waitingCount == 1 }
        #expect(try await running.detokenize([97]) == "a")
        withExtendedLifetime(running) {}
        _ = consume running
        #expect(try await next.value.facts.contextLength == 512)
        let after = await fake.service.status()
        #expect(after[0].pid != pids[0] && after[0].totals.crashCount == 0)
        #expect(after[1].pid == pids[1] && after[1].state == .resident)
        await fake.service.shutdown()
    }

    @Test func `changes what needs no other worker while models run`() async throws {
        let fake = try FakeService()
        _ = try await fake.answer("one")
        let pid = try await fake.service.status(named: "good").pid
        let outcome = await fake.service.reconfigure(
            configuration(
                fake,
                [
                    "good": ModelConfigurationEntry(
                        aliases: ["new"],
                        computeWeight: 2,
                        isPinned: true
                    )
                ],
                defaults: ModelConfigurationEntry(keepAlive: .forever)
            )
        )
        #expect(outcome.leaving.isEmpty)
        let status = try await fake.service.status(named: "new")
        #expect(status.pid == pid && status.isPinned && status.state == .resident)
        #expect(status.entry.aliases == ["new"] && status.entry.settings.computeWeight == 2)
        await fake.service.shutdown()
    }

    @Test func `keeps a context that an operator has loaded a model with`() async throws {
        let fake = try FakeService()
        let options = ModelService.LeaseOptions(contextLength: 256)
        _ = try await fake.service.lease("good", options)
        let aliases = ["good": ModelConfigurationEntry(aliases: ["new"])]
        #expect(await fake.service.reconfigure(configuration(fake, aliases)).leaving.isEmpty)
        #expect(try await fake.service.lease("new", options).facts.contextLength == 256)
        await fake.service.shutdown()
    }

    @Test func `finds models in new directories and lets go of those in old ones`() async throws {
        let fake = try FakeService()
        _ = try await fake.answer("one")
        let elsewhere = try TemporaryDirectory()
        _ = try elsewhere.write([1], to: "new.gguf")
        let outcome = await fake.service.reconfigure(
            configuration(fake, directories: [elsewhere.path])
        )
        #expect(outcome.leaving == ["good"] && outcome.modelCount == 1)
        #expect(try await fake.answer("two", model: "new").0 == "two")
        await #expect(throws: ModelServiceError.unknownModel(name: "good")) {
            try await fake.service.lease("good")
        }
        await fake.service.shutdown()
    }

    @Test func `forgets failed loads of models whose settings changed`() async throws {
        let fake = try FakeService(models: ["broken"])
        _ = try? await fake.service.lease("broken")
        let isFailed: (ModelStatus) -> Bool = {
            if case .failed = $0.state { true } else { false }
        }
        #expect(isFailed(try await fake.service.status(named: "broken")))
        let unchanged = await fake.service.reconfigure(configuration(fake))
        #expect(unchanged.leaving.isEmpty)
        #expect(isFailed(try await fake.service.status(named: "broken")))
        let context = ["broken": ModelConfigurationEntry(contextLength: 64)]
        _ = await fake.service.reconfigure(configuration(fake, context))
        #expect(try await fake.service.status(named: "broken").state == .unloaded)
        await fake.service.shutdown()
    }

    @Test func `loads what is named for the start, beside what says so itself`() async throws {
        let fake = try FakeService(models: ["good", "other", "third"]) { configuration in
            configuration.preloaded = ["other", "nowhere"]
            configuration.models["third"] = ModelConfigurationEntry(isPreloaded: true)
        }
        await fake.service.preload()
        try await fake.wait("other") { $0.state == .resident }
        try await fake.wait("third") { $0.state == .resident }
        #expect(try await fake.service.status(named: "good").state == .unloaded)
        await fake.service.shutdown()
    }

    @Test func `loads what is to be preloaded from now on`() async throws {
        let fake = try FakeService(models: ["good", "other"])
        _ = await fake.service.reconfigure(
            configuration(fake, ["other": ModelConfigurationEntry(isPreloaded: true)])
        )
        try await fake.wait("other") { $0.state == .resident }
        #expect(try await fake.service.status(named: "good").state == .unloaded)
        await fake.service.shutdown()
    }
}

import ModelService
import TestSupport
import Testing

/// Several names with own request defaults for one model.
@Suite(.timeLimit(.minutes(15))) struct VariantTests {
    private func service() throws -> FakeService {
        try FakeService(models: ["good", "taken"]) { configuration in
            var hot = RequestDefaults()
            hot.temperature = 1.5
            var long = RequestDefaults()
            long.maximumOutputTokens = 500
            configuration.models = [
                "good": ModelConfigurationEntry(aliases: ["base"], requests: long),
                "Hot": ModelConfigurationEntry(
                    aliases: ["Hotter"],
                    variantOf: "base",
                    requests: hot
                ),
                "lost": ModelConfigurationEntry(variantOf: "nowhere"),
                "taken": ModelConfigurationEntry(variantOf: "good"),
            ]
        }
    }

    @Test func `lists a variant, and finds it by its names`() async throws {
        let fake = try service()
        let entries = await fake.service.catalog()
        #expect(entries.map(\.id) == ["good", "hot", "taken"])
        #expect(entries.map(\.variantOf) == [nil, "good", nil])
        #expect(entries[1].path == entries[0].path)
        #expect(try await fake.service.entry(named: "HOTTER:latest").id == "hot")
        let defaults = await fake.service.requestDefaults(for: "hot")
        #expect(defaults.temperature == 1.5 && defaults.maximumOutputTokens == 500)
        #expect(await fake.service.requestDefaults(for: "good").temperature == nil)
        #expect(await fake.service.requestDefaults(for: "nowhere") == RequestDefaults())
        #expect(await fake.service.requestDefaults(for: nil) == RequestDefaults())
    }

    @Test func `serves a variant with the model's own worker`() async throws {
        let fake = try service()
        #expect(try await fake.answer("one", model: "hot").0 == "one")
        let base = try await fake.service.status(named: "good")
        let variant = try await fake.service.status(named: "hot")
        #expect(base.state == .resident && variant.state == .resident)
        #expect(base.totals.loads[.ok] == 1 && base.memory != nil && base.pid != nil)
        // What the worker has is told once.
        #expect(variant.memory == nil && variant.pid == nil && variant.totals == ModelTotals())
        #expect(try await fake.answer("two").0 == "two")
        #expect(try await fake.service.status(named: "good").pid == base.pid)
        try await fake.service.unload("hot")
        try await fake.service.awaitUnloaded("hot")
        #expect(try await fake.service.status(named: "good").state == .unloaded)
        await fake.service.shutdown()
    }
}

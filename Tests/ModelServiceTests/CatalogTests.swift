import Foundation
import ModelService
import Telemetry
import TestSupport
import Testing

@Suite struct CatalogTests {
    @Test(arguments: [
        ("smollm2-135m-instruct.q4_1", "smollm2-135m-instruct.q4_1"),
        ("SmolLM2-135M-Instruct.Q4_1", "smollm2-135m-instruct.q4_1"),
        ("smollm2-135m-instruct.q4_1:latest", "smollm2-135m-instruct.q4_1"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m-instruct.q4_1"),
        ("smollm2", "smollm2-135m-instruct.q4_1"),
        ("smollm2-135m", "smollm2-135m-instruct.q4_1"),
        ("starter", "smollm2-135m-instruct.q4_1"), ("STARTER:latest", "smollm2-135m-instruct.q4_1"),
        ("qwen:7b", "qwen:7b"), ("qwen", "qwen"), ("a/b", "a/b"),
    ])
    func `finds a model by any of its names`(_ name: String, _ id: String) {
        guard case .found(let entry) = catalog.resolve(name) else {
            Issue.record("\(name) is not found")
            return
        }
        #expect(entry.id == id)
    }

    @Test(arguments: ["", "smol", "smollm2-135m-instruct.q4_1:other", "x", "-", "qwen:", "star"])
    func `does not find what is no name`(_ name: String) {
        #expect(catalog.resolve(name) == .unknown)
    }

    @Test func `finds adapters by every name of their model`() async throws {
        let directory = try TemporaryDirectory()
        _ = try directory.write([1, 2, 3], to: "base-1b.gguf")
        let path = try directory.write([1, 2, 3, 4], to: "sql.lora")
        let adapters = [
            AdapterSetting(name: "SQL", path: path), AdapterSetting(name: "gone", path: "/none"),
        ]
        let service = ModelService(
            configuration: ModelServiceConfiguration(
                directories: [directory.path],
                models: [
                    "base-1b": ModelConfigurationEntry(aliases: ["small"], adapters: adapters),
                    "poet": ModelConfigurationEntry(variantOf: "base-1b"),
                ],
                workerExecutable: "/none"
            ),
            log: Log(sink: .none)
        )
        let entries = await service.catalog()
        #expect(entries.map(\.id) == ["base-1b", "base-1b:sql", "poet"])
        #expect(entries[1].variantOf == "base-1b" && entries[1].byteCount == 4)
        let catalog = Catalog(entries)
        for name in ["base-1b:sql", "BASE-1B:SQL", "base:sql", "small:sql", "poet:sql"] {
            #expect(catalog.resolve(name) == .found(entries[1]), "\(name)")
        }
        // The beginning of a name means the model, whatever adapters it has.
        #expect(catalog.resolve("base") == .found(entries[0]))
        for name in ["base-1b:gone", "small:other", "base:sql:sql"] {
            let other = String(name.split(separator: ":").last ?? "")
            guard name != "base:sql:sql" else {
                #expect(catalog.resolve(name) == .unknown)
                continue
            }
            #expect(
                catalog.resolve(name)
                    == .unknownAdapter(model: "base-1b", name: other, adapters: ["base-1b:sql"])
            )
        }
    }

    @Test func `lists the candidates of an ambiguous name`() {
        let catalog = Catalog([entry("a-1"), entry("a-2")])
        #expect(catalog.resolve("a") == .ambiguous(ids: ["a-1", "a-2"]))
    }

    @Test func `scans files, folders and split models, and nothing else`() async throws {
        let directory = try TemporaryDirectory()
        for name in [
            "B.Q4_0.gguf", "a.gguf", "notes.txt", ".hidden.gguf", "mmproj-a.gguf",
            "big-00001-of-00002.gguf", "big-00002-of-00002.gguf", "lost-00001-of-00002.gguf",
        ] {
            _ = try directory.write([1, 2, 3], to: name)
        }
        let service = ModelService(
            configuration: ModelServiceConfiguration(
                directories: [directory.path, directory.file("missing")],
                models: ["A": ModelConfigurationEntry(aliases: ["Alpha"], contextLength: 77)],
                defaults: ModelConfigurationEntry(threadCount: 3),
                workerExecutable: "/none"
            ),
            log: Log(sink: .none)
        )
        let entries = await service.catalog()
        #expect(entries.map(\.id) == ["a", "b.q4_0", "big"])
        #expect(entries[2].byteCount == 6)
        #expect(entries[2].path.hasSuffix("big-00001-of-00002.gguf"))
        #expect(entries[0].settings.contextLength == 77 && entries[0].settings.threadCount == 3)
        #expect(try await service.entry(named: "alpha").id == "a")
    }

    @Test func `finds a Hugging Face folder and the files that a worker needs of it`() async throws
    {
        let directory = try TemporaryDirectory()
        for folder in ["Chat/1_Pooling", "empty"] {
            try FileManager.default.createDirectory(
                atPath: directory.file(folder),
                withIntermediateDirectories: true
            )
        }
        for name in [
            "Chat/config.json", "Chat/tokenizer.json", "Chat/1_Pooling/config.json",
            "Chat/consolidated.safetensors", "Chat/model-00002-of-00002.safetensors",
            "Chat/model-00001-of-00002.safetensors", "Chat/README.md", "empty/config.json",
        ] {
            _ = try directory.write([1, 2, 3], to: name)
        }
        let service = ModelService(
            configuration: ModelServiceConfiguration(
                directories: [directory.path],
                workerExecutable: "/none"
            ),
            log: Log(sink: .none)
        )
        let entries = await service.catalog()
        #expect(entries.map(\.id) == ["chat"])
        #expect(entries[0].byteCount == 6)
        #expect(
            entries[0].folderFileNames == [
                "config.json", "tokenizer.json", "1_Pooling/config.json",
                "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            ]
        )
        #expect(entries[0].partPaths[2] == directory.file("Chat") + "/1_Pooling/config.json")
    }

    @Test func `finds a file that came after the last scan`() async throws {
        let directory = try TemporaryDirectory()
        var configuration = ModelServiceConfiguration(
            directories: [directory.path],
            workerExecutable: "/none"
        )
        configuration.limits.rescanInterval = .zero
        let service = ModelService(configuration: configuration, log: Log(sink: .none))
        await #expect(throws: ModelServiceError.unknownModel(name: "new")) {
            try await service.entry(named: "new")
        }
        _ = try directory.write([1], to: "New.gguf")
        #expect(try await service.entry(named: "new").id == "new")
    }

    private var catalog: Catalog {
        Catalog([
            entry("smollm2-135m-instruct.q4_1", aliases: ["starter"]), entry("qwen:7b"),
            entry("qwen"), entry("a/b"),
        ])
    }

    private func entry(_ id: String, aliases: [String] = []) -> CatalogEntry {
        CatalogEntry(id: id, aliases: aliases, path: "/m", byteCount: 1, modificationTime: 2)
    }
}

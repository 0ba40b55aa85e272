import Foundation
import JSON
import Platform
import Testing
import WorkerProtocol

@testable import Daemon

/// deploy/torii.schema.json and deploy/torii.json, held against the decoder.
@Suite struct SchemaTests {
    private static var folder: String {
        String(#filePath.dropLast("/Tests/DaemonTests/SchemaTests.swift".count)) + "/deploy/"
    }

    private func schema() throws -> JSONValue {
        let data = try Data(contentsOf: URL(fileURLWithPath: Self.folder + "torii.schema.json"))
        return try JSONValue.parse([UInt8](data))
    }

    private func names(_ object: JSONValue?) -> Set<String> {
        Set(object?["properties"]?.objectValue?.keys ?? [])
    }

    @Test func `describes exactly the keys that are understood`() throws {
        let schema = try schema()
        let models = schema["properties"]?["models"]
        let entry = schema["$defs"]?["model"]
        #expect(names(schema) == Set(DaemonSettings.CodingKeys.allCases.map(\.stringValue)))
        #expect(names(models) == Set(ModelSettings.CodingKeys.allCases.map(\.stringValue)))
        #expect(names(entry) == Set(ModelEntrySettings.CodingKeys.allCases.map(\.stringValue)))
    }

    @Test func `allows the same numbers`() throws {
        let schema = try schema()
        let entry = try #require(schema["$defs"]?["model"]?["properties"])
        let models = try #require(schema["properties"]?["models"]?["properties"])
        let ranges = [
            (entry["context"], SettingLimits.context), (entry["threads"], SettingLimits.threads),
            (entry["parallel"], SettingLimits.parallel), (entry["kv_bytes"], SettingLimits.kvBytes),
            (entry["queue_requests"], SettingLimits.queueRequests),
            (entry["queue_requests_per_key"], SettingLimits.queueRequests),
            (entry["queue_tokens"], SettingLimits.queueTokens),
            (entry["queue_tokens_per_key"], SettingLimits.queueTokens),
            (entry["queue_timeout"], SettingLimits.queueTimeout),
            (entry["top_k"], SettingLimits.topK), (entry["max_tokens"], SettingLimits.maxTokens),
            (schema["properties"]?["drain_timeout"], SettingLimits.drainTimeout),
            (schema["properties"]?["worker_timeout"], SettingLimits.workerTimeout),
            (models["swap_max_wait"], SettingLimits.swapMaxWait),
            (models["min_residence"], SettingLimits.minResidence),
            (models["memory"]?["anyOf"]?[0], SettingLimits.memory),
        ]
        for (property, range) in ranges {
            #expect(property?["minimum"]?.intValue == range.lowerBound)
            #expect(property?["maximum"]?.intValue == range.upperBound)
        }
        let numbers = [
            (entry["temperature"], SettingLimits.temperature),
            (entry["top_p"], SettingLimits.probability),
            (entry["min_p"], SettingLimits.probability),
            (entry["repeat_penalty"], SettingLimits.repeatPenalty),
        ]
        for (property, range) in numbers {
            #expect(property?["minimum"]?.doubleValue == range.lowerBound)
            #expect(property?["maximum"]?.doubleValue == range.upperBound)
        }
        let types = WorkerLoadOptions.KVType.allCases.map { JSONValue.string($0.name) }
        #expect(entry["kv_type"]?["enum"] == .array(types))
        let weights = WorkerLoadOptions.WeightType.allCases.map { JSONValue.string($0.name) }
        #expect(entry["quantize"]?["enum"] == .array(weights))
        let policies = Sandbox.Policy.allCases.map { JSONValue.string($0.rawValue) }
        #expect(schema["properties"]?["worker_sandbox"]?["enum"] == .array(policies))
    }

    @Test func `understands the example, also with everything in it enabled`() throws {
        let text = try String(contentsOfFile: Self.folder + "torii.json", encoding: .utf8)
        let example = try ConfigurationFile.parse(Array(text.utf8), source: "torii.json")
        #expect(example == DaemonSettings())
        // Lines that are settings behind `// `, as opposed to sentences.
        let enabled = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let code = line.drop { $0 == " " }
            guard code.hasPrefix("// ") else { return String(line) }
            let rest = code.dropFirst(3).drop { $0 == " " }
            return rest.hasPrefix("\"") || rest.hasPrefix("}") ? String(rest) : String(line)
        }
        let full = try ConfigurationFile.parse(
            Array(enabled.joined(separator: "\n").utf8),
            source: "torii.json"
        )
        #expect(full.listen?.count == 2)
        #expect(full.models.entries?.count == 2)
    }
}

import Foundation
import JSON
import TestSupport
import Testing

/// A model that was loaded before is mapped, and never a wrong one.
extension EndToEndTests {
    @Suite(.serialized) struct WeightCacheTests {
        /// Waits for the only file of packed weights.
        private static func kept(by daemon: RunningDaemon) async throws -> String {
            let folder = daemon.folder.path + "/cache/weights"
            while true {
                let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
                if let name = names?.first(where: { $0.hasSuffix(".weights") }) {
                    return folder + "/" + name
                }
                try await Moment.pass()
            }
        }

        /// The answer of a model that was unloaded before, and how its weights came.
        private static func reload(
            _ daemon: RunningDaemon
        ) async throws -> (text: String?, source: String) {
            _ = try ToriiProcess.run(
                ["unload", "tiny"],
                environment: ["TORII_HOST": daemon.socket.description]
            )
            let loaded = "weights="
            let before = daemon.process.output.components(separatedBy: loaded).count
            let (_, answer) = try daemon.chat(["max_tokens": 12])
            while daemon.process.output.components(separatedBy: loaded).count == before {
                try await Moment.pass()
            }
            let last = daemon.process.output.components(separatedBy: loaded).last ?? ""
            return (
                answer["choices"]?[0]?["message"]?["content"]?.stringValue,
                String(last.prefix { $0.isLetter })
            )
        }

        @Test func `a second load maps what the first one packed`() async throws {
            let daemon = try RunningDaemon()
            let (first, source) = try await Self.reload(daemon)
            #expect(source == "packed" && first != nil)
            _ = try await Self.kept(by: daemon)
            let (second, again) = try await Self.reload(daemon)
            #expect(again == "mapped" && second == first)
        }

        @Test func `damaged and stale weights are packed anew`() async throws {
            let daemon = try RunningDaemon()
            let (first, _) = try await Self.reload(daemon)
            let path = try await Self.kept(by: daemon)

            // As a disk may do it: a new file, for the old one is mapped.
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[5000] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path), options: .atomic)
            let (second, source) = try await Self.reload(daemon)
            #expect(source == "packed" && second == first)

            _ = try await Self.kept(by: daemon)
            let model = daemon.folder.path + "/models/tiny.gguf"
            var other = TinyModel()
            other.seed += 1
            try other.writer().write(to: model + ".new")
            try FileManager.default.removeItem(atPath: model)
            try FileManager.default.moveItem(atPath: model + ".new", toPath: model)
            let (third, fresh) = try await Self.reload(daemon)
            #expect(fresh == "packed" && third != first)
        }
    }
}

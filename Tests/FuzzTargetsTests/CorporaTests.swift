import Foundation
import FuzzTargets
import TestSupport
import Testing

/// Inputs that once made a fuzzer fail, and a few of each shape, run without libFuzzer.
@Suite(.timeLimit(.minutes(15)))
struct CorporaTests {
    @Test(arguments: FuzzTarget.allCases)
    func `replays the inputs that once failed`(target: FuzzTarget) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/\(target.rawValue)")
        let files = try? FileManager.default.contentsOfDirectory(
            at: folder,
            includingPropertiesForKeys: nil
        )
        for file in files ?? [] {
            // One line of hexadecimal digits, so that the repository holds text only.
            let text = try String(contentsOf: file, encoding: .utf8)
            target.run(Golden.bytes(hexadecimal: text.prefix { $0 != "\n" }))
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `survives random bytes`(target: FuzzTarget) {
        var generator = SeededGenerator(seed: 20)
        target.run([])
        for _ in 0..<200 {
            let count = Int.random(in: 1...80, using: &generator)
            target.run((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        }
    }

    @Test func `survives damaged vocabularies`() {
        var model = TinyModel()
        model.layerCount = 0
        model.embeddingLength = 64
        model.isTied = true
        let (bytes, fields) = model.writer().serializedWithFields()
        let headerEnd = fields.last?.upperBound ?? 0
        var generator = SeededGenerator(seed: 20)
        for _ in 0..<300 {
            var mutant = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let position = Int.random(in: 24..<headerEnd, using: &generator)
                mutant[position] = UInt8.random(in: .min ... .max, using: &generator)
            }
            FuzzTarget.gguf.run(mutant)
        }
    }
}

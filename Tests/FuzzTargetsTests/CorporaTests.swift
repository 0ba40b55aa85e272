import Foundation
import FuzzTargets
import TestSupport
import Testing

/// Inputs that once made a fuzzer fail, and a few of each shape, run without libFuzzer.
@Suite(.timeLimit(.minutes(2)))
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
}

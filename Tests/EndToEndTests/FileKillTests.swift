import Foundation
import Glibc
import Platform
import TestSupport
import Testing

/// Commands that write model files are killed at any moment: a file is what it was or whole.
///
/// `TORII_KILL_ROUNDS` says how often.
@Suite(.serialized, .timeLimit(.minutes(60))) struct FileKillTests {
    private static let rounds =
        ProcessInfo.processInfo.environment["TORII_KILL_ROUNDS"].flatMap { Int($0) } ?? 6

    private let folder: TemporaryDirectory
    private let output: String
    /// Another file of the same name.
    private let old = Array("what was there before".utf8)

    init() throws {
        folder = try TemporaryDirectory()
        let results = folder.file("results")
        try FileManager.default.createDirectory(
            atPath: results,
            withIntermediateDirectories: false
        )
        output = results + "/out.gguf"
    }

    private func present() throws -> [UInt8]? {
        guard access(output, F_OK) == 0 else { return nil }
        return try Files.contents(of: output, maximumByteCount: 64 << 20)
    }

    /// Kills `torii` with these arguments, which writes `output`, again and again.
    private func killAtAnyMoment(_ arguments: [String]) throws {
        let start = MonotonicInstant.now()
        #expect(try ToriiProcess.run(arguments).code == 0)
        let duration = MonotonicInstant.now().duration(since: start)
        let whole = try #require(try present())
        #expect(whole.count > 100_000)
        for round in 1...Self.rounds {
            let before = round.isMultiple(of: 2) ? old : nil
            unlink(output)
            if let before { try DurableFile.replace(output, with: before) }
            let process = try ToriiProcess(arguments)
            // Also a little later than the end.
            poll(nil, 0, Int32(.random(in: 0...1.2) * (duration / .milliseconds(1))))
            process.child.signal(SIGKILL)
            _ = process.wait()
            let after = try present()
            #expect(after == before || after == whole, "round \(round)")
            // A file system that knows files without names has nothing to clean up.
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("results"))
            #expect(names == (after == nil ? [] : ["out.gguf"]), "round \(round)")
        }
    }

    @Test func `a quantised file is what it was or whole after every kill, and nothing is left`()
        throws
    {
        var model = TinyModel()
        model.layerCount = 8
        let path = try folder.write(model.writer().serialized(), to: "tiny.gguf")
        try killAtAnyMoment(["quantize", path, output, "q8_0"])
    }

    @Test func `a converted folder is what it was or whole after every kill, and nothing is left`()
        throws
    {
        let source = folder.file("source")
        try FileManager.default.createDirectory(
            atPath: source,
            withIntermediateDirectories: false
        )
        try TinyFolder().write(to: source)
        try killAtAnyMoment(["convert", source, "-o", output])
    }
}

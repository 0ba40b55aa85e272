import Foundation
import Platform
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import ModelService

@Suite(.timeLimit(.minutes(15))) struct WeightCacheTests {
    private typealias File = WeightCache.StoredFile

    @Test func `those go first that were not used for longest, and no more than must`() {
        let files = [
            File(name: "new", byteCount: 40, lastUse: 30),
            File(name: "old", byteCount: 30, lastUse: 10),
            File(name: "older", byteCount: 20, lastUse: 5),
        ]
        func victims(_ byteCount: Int) -> [String] {
            WeightCache.victims(among: files, for: byteCount, capacity: 100)
        }
        #expect(victims(10) == [])
        #expect(victims(11) == ["older"])
        #expect(victims(31) == ["older", "old"])
        #expect(victims(100) == ["older", "old", "new"])
    }

    @Test func `a model has one file for each type of weights, and no other model the same`() {
        let names = [
            WeightCache.name("/a/b.gguf", nil), WeightCache.name("/a/b.gguf", .q8_0),
            WeightCache.name("/a/c.gguf", nil),
        ]
        #expect(Set(names).count == 3)
        #expect(names.allSatisfy { $0.hasSuffix(".weights") && !$0.contains("/") })
        #expect(names[0] == WeightCache.name("/a/b.gguf", nil))
    }

    @Test func `what is written is found by the next load, once it is in its place`() async throws {
        let folder = try TemporaryDirectory()
        let cache = WeightCache(
            directory: folder.path + "/deep/er",
            capacity: 1000,
            log: Log(sink: .none)
        )
        let first = cache.open("/m.gguf", nil, byteCount: 10)
        #expect(first.stored == nil)
        let descriptor = try #require(first.outputDescriptor)
        #expect(write(descriptor, "abc", 3) == 3)
        #expect(cache.open("/m.gguf", nil, byteCount: 10).stored == nil)
        cache.publish(first)
        while cache.open("/m.gguf", nil, byteCount: 10).stored == nil { try await Moment.pass() }
        let second = cache.open("/m.gguf", nil, byteCount: 10)
        #expect(second.stored?.file.byteCount == 3)
        #expect(cache.open("/n.gguf", nil, byteCount: 10).stored == nil)
    }

    private static func keep(_ text: String, of model: String, in cache: WeightCache) {
        let files = cache.open(model, nil, byteCount: text.utf8.count)
        guard let descriptor = files.outputDescriptor else { return }
        #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
        cache.place(files)
        // A worker may say so again.
        cache.place(files)
    }

    private static func names(_ folder: TemporaryDirectory) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    }

    @Test func `what takes the place of older weights of its model counts once`() throws {
        let folder = try TemporaryDirectory()
        let cache = WeightCache(directory: folder.path, capacity: 10, log: Log(sink: .none))
        let (a, b, c) = (
            WeightCache.name("/a", nil), WeightCache.name("/b", nil), WeightCache.name("/c", nil)
        )
        Self.keep("1234", of: "/a", in: cache)
        Self.keep("1234", of: "/b", in: cache)
        Self.keep("123456", of: "/b", in: cache)
        #expect(try Self.names(folder) == [a, b])
        Self.keep("1234", of: "/c", in: cache)
        #expect(try Self.names(folder).count == 2 && Self.names(folder).contains(c))
    }

    @Test(arguments: [ENOSPC, EIO])
    func `a model's weights are the old ones or the new ones, whichever step fails`(
        code: Int32
    ) throws {
        let folder = try TemporaryDirectory()
        let cache = WeightCache(directory: folder.path, capacity: 1000, log: Log(sink: .none))
        let name = WeightCache.name("/m.gguf", nil)
        let (old, new) = (Array("old".utf8), Array("newer".utf8))
        var number = 1
        while true {
            try DurableFile.replace(folder.file(name), with: old)
            let plan = FaultPlan(failing: number, code: code)
            FaultPlan.$current.withValue(plan) {
                Self.keep("newer", of: "/m.gguf", in: cache)
            }
            #expect(try Self.names(folder) == [name], "step \(number)")
            let found = try Files.contents(of: folder.file(name))
            #expect(found == old || found == new, "step \(number)")
            #expect(cache.open("/m.gguf", nil, byteCount: 3).stored?.file.byteCount == found.count)
            guard plan.hasStruck else {
                #expect(found == new)
                break
            }
            number += 1
        }
        #expect(number == 9, "two files are opened, one gets its place")
    }

    @Test func `weights whose reading ended a worker are dropped, and the next one loads`()
        async throws
    {
        let cached = try TemporaryDirectory()
        let fake = try FakeService(models: ["damaged", "good"]) {
            $0.weightCache = (cached.path, 1000)
        }
        func name(_ model: String) -> String {
            WeightCache.name(fake.directory.file("\(model).gguf"), nil)
        }
        for model in ["damaged", "good"] { _ = try cached.write([1], to: name(model)) }
        await #expect(throws: ModelServiceError.self) {
            try await fake.service.lease("damaged")
        }
        for model in ["damaged", "good"] {
            #expect(try await fake.answer("well", model: model).0 == "well")
        }
        #expect(try Self.names(cached) == [name("good")])
        await fake.service.shutdown()
    }

    @Test func `what is too large for the cache, or has no place, is not kept`() throws {
        let folder = try TemporaryDirectory()
        let cache = WeightCache(directory: folder.path, capacity: 9, log: Log(sink: .none))
        #expect(cache.open("/m.gguf", nil, byteCount: 10).outputDescriptor == nil)
        let nowhere = WeightCache(directory: "/proc/none", capacity: 9, log: Log(sink: .none))
        #expect(nowhere.open("/m.gguf", nil, byteCount: 1).outputDescriptor == nil)
    }
}

import Foundation
import Telemetry
import TestSupport
import Testing

@testable import ModelService

@Suite struct WeightCacheTests {
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
        cache.publish(first, byteCount: 3)
        while cache.open("/m.gguf", nil, byteCount: 10).stored == nil { try await Moment.pass() }
        let second = cache.open("/m.gguf", nil, byteCount: 10)
        #expect(second.stored?.file.byteCount == 3)
        #expect(cache.open("/n.gguf", nil, byteCount: 10).stored == nil)
    }

    @Test func `what is too large for the cache, or has no place, is not kept`() throws {
        let folder = try TemporaryDirectory()
        let cache = WeightCache(directory: folder.path, capacity: 9, log: Log(sink: .none))
        #expect(cache.open("/m.gguf", nil, byteCount: 10).outputDescriptor == nil)
        let nowhere = WeightCache(directory: "/proc/none", capacity: 9, log: Log(sink: .none))
        #expect(nowhere.open("/m.gguf", nil, byteCount: 1).outputDescriptor == nil)
    }
}

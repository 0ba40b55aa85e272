import Foundation
import Kernels
import ModelFiles
import Platform
import TestSupport
import Testing
import Transformers

/// Packed weights in a file: the same model, or none.
@Suite(.timeLimit(.minutes(15))) struct CachedWeightsTests {
    private let directory: TemporaryDirectory
    private let file: GGUFFile
    private let pool: KernelThreadPool
    private let tokens = TransformerHarness.tokens(count: 12, seed: 3)

    init() throws {
        directory = try TemporaryDirectory()
        file = try TransformerHarness.open(TinyModel(), in: directory)
        pool = try KernelThreadPool(threadCount: 2)
    }

    private func load(cached: CachedWeights? = nil) throws -> Transformer {
        try Transformer.load(file, cached: cached, pool: pool, contextLength: 256)
    }

    /// Logits of every token.
    private func logits(_ transformer: Transformer) throws -> [[UInt32]] {
        let storage = try transformer.makeStorage(blockCount: 1)
        let entry = ForwardBatch.Entry(
            tokens: tokens[...],
            firstPosition: 0,
            blockTable: [0],
            logits: .all
        )
        transformer.forward(ForwardBatch(entries: [entry]), cache: storage)
        return bits(tokens.indices.map { Array(transformer.logits(row: $0)) })
    }

    /// The file of a model's weights.
    private func write(_ transformer: Transformer) throws -> [UInt8] {
        let path = directory.file("weights")
        try write(transformer.matrices, to: path)
        return try Array(Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private func write(_ matrices: [PackedWeight], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        var restCount = 0
        try CachedWeightsWriter.write(matrices, identity: "this", owning: descriptor) {
            restCount += 1
        }
        #expect(restCount >= matrices.count)
    }

    private func stored(at path: String) throws(CachedWeights.Problem) -> CachedWeights {
        try CachedWeights(owning: open(path, O_RDONLY | O_CLOEXEC), identity: "this")
    }

    private func read(
        _ bytes: [UInt8],
        identity: String = "this"
    ) throws(CachedWeights.Problem) -> CachedWeights {
        let path = directory.file("read")
        _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
        return try CachedWeights(owning: open(path, O_RDONLY | O_CLOEXEC), identity: identity)
    }

    @Test func `cached weights give the same model, bit for bit`() throws {
        let packed = try load()
        #expect(packed.source == .file(nil))
        let cached = try read(write(packed))
        let mapped = try load(cached: cached)
        #expect(mapped.source == .cache)
        #expect(mapped.weightByteCount == packed.weightByteCount)
        #expect(cached.byteCount <= mapped.weightByteCount)
        #expect(try logits(mapped) == logits(packed))
    }

    @Test func `weights of another model, or of another state of it, are none`() throws {
        let bytes = try write(load())
        let error = #expect(throws: CachedWeights.Problem.self) {
            try read(bytes, identity: "that")
        }
        #expect(error == .otherModel)
    }

    @Test func `a file that is cut, empty or something else is none`() throws {
        let bytes = try write(load())
        let cuts = [0, 1, 31, 32, 4096, bytes.count / 2, bytes.count - 1]
        for count in cuts {
            #expect(throws: CachedWeights.Problem.self) { try read(Array(bytes.prefix(count))) }
        }
        #expect(throws: CachedWeights.Problem.self) { try read(bytes + [0]) }
        #expect(throws: CachedWeights.Problem.self) { try read(Array("GGUF and so on".utf8)) }
    }

    @Test func `a changed byte is found, and what it is part of packed again`() throws {
        let packed = try load()
        let expected = try logits(packed)
        let bytes = try write(packed)
        var random = SeededGenerator(seed: 9)
        var damagedCount = 0
        // The index and the footer are behind the matrices: a third of the changes goes there.
        for round in 0..<60 {
            let first = round % 3 == 0 ? bytes.count - 2000 : 0
            let place = Int.random(in: first..<bytes.count, using: &random)
            var changed = bytes
            changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            guard let cached = try? read(changed) else { continue }
            let model = try load(cached: cached)
            #expect(try logits(model) == expected, "byte \(place)")
            if case .file(.damaged?) = model.source { damagedCount += 1 }
        }
        #expect(damagedCount > 10)
    }

    @Test func `what can no longer be read is packed again, and ends nobody`() throws {
        let packed = try load()
        let bytes = try write(packed)
        for count in [0, 4096, bytes.count / 2] {
            let cached = try read(bytes)
            // Its pages are lost, as those are that a disk cannot read.
            #expect(truncate(directory.file("read"), off_t(count)) == 0)
            let model = try load(cached: cached)
            guard case .file(.unreadable?) = model.source else {
                Issue.record("a mapping of \(count) bytes is \(model.source)")
                return
            }
            #expect(try logits(model) == logits(packed))
        }
    }

    @Test func `what the cache lacks is packed from the file`() throws {
        let packed = try load()
        let part = directory.file("part")
        try write(Array(packed.matrices.dropFirst(2)), to: part)
        let model = try load(cached: stored(at: part))
        #expect(model.source == .file(nil))
        #expect(try logits(model) == logits(packed))
    }

    @Test(arguments: [ENOSPC, EIO])
    func `a file that could not be written to its end is none, whichever write failed`(
        code: Int32
    ) throws {
        let matrices = try load().matrices
        let path = directory.file("cut")
        var number = 1
        while true {
            let plan = FaultPlan(failing: number, code: code)
            let outcome = FaultPlan.$current.withValue(plan) {
                Result { try write(matrices, to: path) }
            }
            guard plan.hasStruck else { break }
            guard case .failure(let error as SystemError) = outcome, error.code == code else {
                Issue.record("write \(number) is passed over")
                return
            }
            #expect(throws: CachedWeights.Problem.self) { try stored(at: path) }
            number += 1
        }
        #expect(number > matrices.count, "each matrix is written by itself")
        #expect(try load(cached: stored(at: path)).source == .cache)
    }

    @Test func `what the kernel says about a full disk is the error`() throws {
        let packed = try load()
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(full >= 0)
        let error = #expect(throws: SystemError.self) {
            try CachedWeightsWriter.write(packed.matrices, identity: "this", owning: full) {}
        }
        #expect(error?.code == ENOSPC)
    }
}

import Kernels
import KVCache
import ModelFiles
import TestSupport
import Tensors
import Testing
import Transformers

/// Encoders of BERT's shape beside a plain reference, and what must not change their results.
@Suite(.timeLimit(.minutes(15))) struct EncoderTests {
    private struct Loaded {
        let directory: TemporaryDirectory
        let file: GGUFFile
        let transformer: Transformer
        let storage: KVStorage
    }

    private func load(
        _ encoder: TinyEncoder = TinyEncoder(),
        threadCount: Int = 2,
        changing change: (inout GGUFWriter) -> Void = { _ in }
    ) throws -> Loaded {
        let directory = try TemporaryDirectory()
        var writer = encoder.writer()
        change(&writer)
        let path = directory.path + "/encoder.gguf"
        try writer.write(to: path)
        let file = try GGUFFile.open(path: path)
        let transformer = try Transformer.load(
            file,
            pool: KernelThreadPool(threadCount: threadCount),
            output: .hiddenStates
        )
        return Loaded(
            directory: directory,
            file: file,
            transformer: transformer,
            storage: try transformer.makeStorage(blockCount: 64)
        )
    }

    /// The hidden states of each text's tokens, all texts in one batch.
    private func hiddenStates(_ loaded: Loaded, _ texts: [[Int32]]) -> [[[Float]]] {
        var nextBlock: Int32 = 0
        var batch = ForwardBatch()
        for text in texts {
            let count = Int32((text.count + 31) / 32)
            batch.entries.append(
                ForwardBatch.Entry(
                    tokens: text[...],
                    firstPosition: 0,
                    blockTable: Array(nextBlock..<nextBlock + count),
                    logits: .all
                )
            )
            nextBlock += count
        }
        loaded.transformer.forward(batch, cache: loaded.storage)
        var row = 0
        return texts.map { text in
            text.map { _ in
                defer { row += 1 }
                return Array(loaded.transformer.hiddenState(row: row))
            }
        }
    }

    /// The hidden states of a text's tokens, computed in parts that end at these numbers of its work.
    private func hiddenStates(
        _ loaded: Loaded,
        _ text: [Int32],
        cuts: [Int] = [],
        logits: ForwardBatch.LogitSelection = .all,
        between: () -> Void = {}
    ) -> [[Float]] {
        let stateCount = logits == .all ? text.count : 1
        let workCount = loaded.transformer.configuration.layerCount * text.count + stateCount
        let ends = Set(cuts.filter { (1..<workCount).contains($0) }).sorted() + [workCount]
        var start = 0
        for end in ends {
            let entry = ForwardBatch.Entry(
                tokens: text[...],
                firstPosition: 0,
                // Behind those of other texts, and descending.
                blockTable: (0..<Int32((text.count + 31) / 32)).map { 63 - $0 },
                logits: logits,
                part: ForwardBatch.Part(work: start..<end, isEnd: end == workCount)
            )
            loaded.transformer.forward(ForwardBatch(entries: [entry]), cache: loaded.storage)
            if end < workCount { between() }
            start = end
        }
        return (0..<stateCount).map { Array(loaded.transformer.hiddenState(row: $0)) }
    }

    private func text(_ count: Int, seed: UInt64) -> [Int32] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            Int32(random.int(in: 0...TinyVocabulary.tokens.count - 1))
        }
    }

    @Test(arguments: [(TensorType.f32, 5e-3), (.f16, 1e-2), (.q8_0, 0.3)])
    func `gives the reference's hidden states`(_ type: TensorType, _ bound: Double) throws {
        var encoder = TinyEncoder()
        encoder.type = type
        let loaded = try load(encoder)
        let reference = try ReferenceEncoder(loaded.file)
        for count in [1, 2, 31, 33, 70] {
            let text = text(count, seed: UInt64(count))
            let expected = reference.hiddenStates(text)
            let actual = hiddenStates(loaded, [text])[0]
            let largest =
                zip(actual, expected).map { row, other in
                    zip(row, other).map { abs(Double($0) - $1) }.max() ?? 0
                }.max() ?? 0
            #expect(largest < bound, "\(count) tokens")
        }
    }

    @Test(arguments: ["nomic-bert", "jina-bert-v2", "modern-bert"])
    func `gives the reference's hidden states in every architecture`(
        _ architecture: String
    ) throws {
        var encoder = TinyEncoder()
        encoder.architecture = architecture
        encoder.layerCount = 4
        let loaded = try load(encoder)
        let text = text(45, seed: 9)
        let expected = try ReferenceEncoder(loaded.file).hiddenStates(text)
        // These weights let the rounding of keys and values to halves grow; an error of the
        // arithmetic would leave nothing alike.
        let cosines = zip(hiddenStates(loaded, [text])[0], expected).map { row, other in
            Self.cosine(row.map { Double($0) }, other)
        }
        #expect((cosines.min() ?? 0) > 0.999)
    }

    private static func cosine(_ x: [Double], _ y: [Double]) -> Double {
        func product(_ x: [Double], _ y: [Double]) -> Double {
            zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
        }
        return product(x, y) / (product(x, x) * product(y, y)).squareRoot()
    }

    @Test(arguments: [TensorType.f32, .q8_0], [1, 3])
    func `a text's states depend on nothing beside it, bit for bit`(
        _ type: TensorType,
        _ threadCount: Int
    ) throws {
        var encoder = TinyEncoder()
        encoder.type = type
        let loaded = try load(encoder, threadCount: threadCount)
        let texts = [1, 40, 7, 100, 32, 64, 2].map { text($0, seed: UInt64($0)) }
        let together = hiddenStates(loaded, texts)
        let other = try load(encoder, threadCount: 2)
        for (index, text) in texts.enumerated() {
            #expect(hiddenStates(loaded, [text])[0] == together[index])
            #expect(hiddenStates(other, [texts[3], text])[1] == together[index])
        }
    }

    @Test(
        arguments: ["bert", "nomic-bert", "jina-bert-v2", "modern-bert"],
        [TensorType.f32, .q8_0]
    )
    func `a text in parts has the states of one computed at once, bit for bit`(
        _ architecture: String,
        _ type: TensorType
    ) throws {
        var encoder = TinyEncoder()
        encoder.architecture = architecture
        encoder.type = type
        encoder.layerCount = 4
        let loaded = try load(encoder)
        var random = SeededGenerator(seed: 12)
        for count in [1, 2, 33, 100] {
            let text = text(count, seed: UInt64(count))
            let atOnce = hiddenStates(loaded, [text])[0]
            for cutCount in [0, 1, 6] {
                let cuts = (0..<cutCount).map { _ in random.int(in: 1...5 * count) }
                let inParts = hiddenStates(loaded, text, cuts: cuts) {
                    // Others go in between, and have what they have anyway.
                    let other = self.text(70, seed: 5)
                    _ = hiddenStates(loaded, [other, other])
                }
                #expect(bits(inParts) == bits(atOnce), "\(count) tokens, cut at \(cuts)")
            }
            let first = hiddenStates(loaded, text, cuts: [count, 2 * count + 1], logits: .first)
            #expect(bits(first) == bits([atOnce[0]]))
            let last = hiddenStates(loaded, text, cuts: [3 * count], logits: .last)
            #expect(bits(last) == bits([atOnce[count - 1]]))
        }
    }

    @Test func `a batch of parts and whole texts gives the states of all`() throws {
        let loaded = try load()
        let texts = [text(40, seed: 1), text(9, seed: 2), text(70, seed: 3)]
        let alone = texts.map { hiddenStates(loaded, [$0])[0] }
        var entries = texts.enumerated().map { index, text in
            ForwardBatch.Entry(
                tokens: text[...],
                firstPosition: 0,
                blockTable: Array(Int32(3 * index)..<Int32(3 * index + 3)),
                logits: .all
            )
        }
        for index in 1...2 {
            let workCount = 4 * texts[index].count
            entries[index].part = ForwardBatch.Part(work: 0..<workCount, isEnd: true)
        }
        loaded.transformer.forward(ForwardBatch(entries: entries), cache: loaded.storage)
        let states = (0..<119).map { Array(loaded.transformer.hiddenState(row: $0)) }
        #expect(bits(states) == bits(Array(alone.joined())))
    }

    @Test func `reads texts as long as it was trained for, more than a batch`() throws {
        var encoder = TinyEncoder()
        encoder.layerCount = 1
        let loaded = try load(encoder)
        let text = text(600, seed: 3)
        let states = hiddenStates(loaded, text)
        #expect(bits(states) == bits(hiddenStates(loaded, text, cuts: [1, 500, 601, 700])))
        let expected = try ReferenceEncoder(loaded.file).hiddenStates(text, rows: 599..<600)
        let difference = zip(states[599], expected[0]).map { abs(Double($0) - $1) }.max() ?? 1
        #expect(difference < 2e-3)
    }

    @Test(arguments: ["nomic-bert", "jina-bert-v2", "modern-bert"])
    func `a folder gives the states of the GGUF file of the same model, bit for bit`(
        _ architecture: String
    ) throws {
        var encoder = TinyEncoder()
        encoder.architecture = architecture
        encoder.layerCount = 4
        let directory = try TemporaryDirectory()
        try TinyEncoderFolder(encoder).write(to: directory.path)
        let file = try GGUFFile.open(path: directory.path)
        let transformer = try Transformer.load(
            file,
            pool: KernelThreadPool(threadCount: 2),
            output: .hiddenStates
        )
        let folder = Loaded(
            directory: directory,
            file: file,
            transformer: transformer,
            storage: try transformer.makeStorage(blockCount: 4)
        )
        let text = text(45, seed: 9)
        let expected = hiddenStates(try load(encoder), [text])[0]
        #expect(bits(hiddenStates(folder, [text])[0]) == bits(expected))
    }

    @Test func `gives the first token's state alone if that is wanted`() throws {
        let loaded = try load()
        let text = text(50, seed: 8)
        let all = hiddenStates(loaded, [text])[0]
        for (selection, index) in [(ForwardBatch.LogitSelection.first, 0), (.last, 49)] {
            let entry = ForwardBatch.Entry(
                tokens: text[...],
                firstPosition: 0,
                blockTable: [0, 1],
                logits: selection
            )
            loaded.transformer.forward(ForwardBatch(entries: [entry]), cache: loaded.storage)
            #expect(Array(loaded.transformer.hiddenState(row: 0)) == all[index])
        }
    }

    @Test func `a reranker's head scores a vector`() throws {
        var encoder = TinyEncoder()
        encoder.hasHead = true
        let loaded = try load(encoder)
        let vector = (0..<96).map { Float($0) / 96 - 0.5 }
        let score = loaded.transformer.applyHead(to: vector)
        let expected = try ReferenceEncoder(loaded.file).score(vector.map { Double($0) })
        #expect(score.count == 1 && abs(Double(score[0]) - expected) < 1e-4)
        #expect(try load().transformer.applyHead(to: vector) == vector)
    }

    @Test(arguments: [TensorType.f32, .q8_0])
    func `the plan is exact`(_ type: TensorType) throws {
        var encoder = TinyEncoder()
        encoder.type = type
        encoder.hasHead = true
        let loaded = try load(encoder)
        let need = try Transformer.memoryNeed(
            of: loaded.file,
            output: .hiddenStates,
            contextLength: 600,
            threadCount: 2,
            logitRowCount: 32
        )
        #expect(need.weightByteCount == loaded.transformer.weightByteCount)
        #expect(need.scratchByteCount > 0)
        #expect(need.scratchByteCount <= loaded.transformer.workspaceByteCount)
    }

    @Test func `refuses files that would give wrong vectors, and to generate`() throws {
        #expect(throws: ModelError.missingTensor("blk.1.attn_output_norm.weight")) {
            try load { $0.tensors.removeAll { $0.name == "blk.1.attn_output_norm.weight" } }
        }
        #expect(throws: ModelError.missingKey("bert.attention.layer_norm_epsilon")) {
            try load { $0.metadata.removeAll { $0.key.hasSuffix("layer_norm_epsilon") } }
        }
        let loaded = try load()
        #expect(throws: ModelError.generatesNothing(architecture: "bert")) {
            try Transformer.load(loaded.file, pool: KernelThreadPool(threadCount: 1))
        }
    }
}

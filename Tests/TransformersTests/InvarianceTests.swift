import KVCache
import Kernels
import ModelFiles
import TestSupport
import Tensors
import Testing
import Transformers

/// A sequence's logits are the same bits however it was computed.
@Suite(.timeLimit(.minutes(15))) struct InvarianceTests {
    static let lengths = [70, 33, 5, 64, 40, 32, 17]

    static let sequences: [[Int32]] = lengths.enumerated().map {
        TransformerHarness.tokens(count: $1, seed: UInt64(100 + $0))
    }

    private let directory: TemporaryDirectory
    private let file: GGUFFile
    private let expected: [[[UInt32]]]

    init() throws {
        directory = try TemporaryDirectory()
        var model = TinyModel()
        model.architecture = "qwen2"
        model.types = [.q4_K, .q5_0, .q8_0, .q4_1, .q6_K, .f16]
        model.embeddingLength = 192
        model.keyValueHeadCount = 1
        model.feedForwardLength = 256
        file = try TransformerHarness.open(model, in: directory)
        // One sequence after the other, whole, on one thread.
        var expected: [[[UInt32]]] = []
        for tokens in Self.sequences {
            let harness = try TransformerHarness(file)
            expected.append(bits(harness.logits([tokens], chunk: 512)[0]))
        }
        self.expected = expected
    }

    private func check(batch: Int, threads: Int, chunk: Int, set: InstructionSet) throws {
        let harness = try TransformerHarness(
            file,
            threadCount: threads,
            instructionSet: set,
            sequenceCount: batch
        )
        let actual = harness.logits(Array(Self.sequences.prefix(batch)), chunk: chunk)
        for index in 0..<batch {
            #expect(
                bits(actual[index]) == expected[index],
                "sequence \(index) of \(batch), \(threads) threads, chunks of \(chunk), \(set)"
            )
        }
    }

    @Test(arguments: [1, 2, 3, 7], [1, 2, 3])
    func `does not depend on batch, threads or chunks`(batch: Int, threads: Int) throws {
        for chunk in [512, 1, 8, 32] {
            try check(batch: batch, threads: threads, chunk: chunk, set: .best)
        }
    }

    @Test(arguments: InstructionSet.supported)
    func `does not depend on the instruction set`(set: InstructionSet) throws {
        for (batch, threads, chunk) in [(1, 1, 512), (3, 2, 32), (7, 3, 8), (2, 2, 1)] {
            try check(batch: batch, threads: threads, chunk: chunk, set: set)
        }
    }

    @Test(arguments: InstructionSet.supported, [KVType.q8, .q8Values])
    func `does not depend on how quantised keys and values are computed`(
        set: InstructionSet,
        type: KVType
    ) throws {
        let whole = try TransformerHarness(
            file,
            instructionSet: .scalar,
            sequenceCount: Self.sequences.count,
            type: type
        )
        let expected = whole.logits(Self.sequences, chunk: 512)
        for (batch, threads, chunk) in [(1, 2, 512), (3, 2, 32), (7, 3, 8), (2, 1, 1)] {
            let harness = try TransformerHarness(
                file,
                threadCount: threads,
                instructionSet: set,
                sequenceCount: batch,
                type: type
            )
            let actual = harness.logits(Array(Self.sequences.prefix(batch)), chunk: chunk)
            for index in 0..<batch {
                #expect(bits(actual[index]) == bits(expected[index]), "\(index) of \(batch)")
            }
        }
    }

    @Test(arguments: [KVType.q8, .q8Values])
    func `quantised keys and values change the logits little`(type: KVType) throws {
        let harness = try TransformerHarness(file, type: type)
        let quantised = harness.logits([Self.sequences[0]], chunk: 512)[0]
        let exact = expected[0].map { $0.map { Float(bitPattern: $0) } }
        #expect(bits(quantised) != expected[0])
        #expect(relativeError(quantised, exact) < 0.02)
    }

    @Test func `does not depend on what the blocks held before`() throws {
        let harness = try TransformerHarness(file, threadCount: 2)
        for tokens in Self.sequences {
            let other = tokens.map { ($0 + 77) % 256 } + tokens
            _ = harness.logits([other], chunk: 512)
            let actual = harness.logits([tokens], chunk: 8)[0]
            #expect(bits(actual) == expected[Self.sequences.firstIndex(of: tokens) ?? 0])
        }
    }

    @Test func `does not depend on which logits are asked for`() throws {
        let harness = try TransformerHarness(file, threadCount: 2)
        let tokens = Self.sequences[0]
        for selection in [ForwardBatch.LogitSelection.last, .all] {
            let table = (0..<8).map { Int32($0) }
            let first = ForwardBatch.Entry(
                tokens: tokens[..<50],
                firstPosition: 0,
                blockTable: table,
                logits: .none
            )
            let second = ForwardBatch.Entry(
                tokens: tokens[50...],
                firstPosition: 50,
                blockTable: table,
                logits: selection
            )
            harness.transformer.forward(ForwardBatch(entries: [first]), cache: harness.storage)
            let batch = ForwardBatch(entries: [second])
            harness.transformer.forward(batch, cache: harness.storage)
            let last = harness.transformer.logits(row: batch.logitRowCount - 1)
            #expect(last.map(\.bitPattern) == expected[0][69])
        }
    }
}

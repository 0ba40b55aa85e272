import Kernels
import TestSupport
import Testing
import Transformers

/// Behind many tokens threads share out the pieces of what a row sees (`ops.h`): the bits are those
/// of one thread that has it all to itself.
@Suite(.timeLimit(.minutes(15))) struct LongContextTests {
    /// TORII_ATTENTION_PIECE.
    private static let piece = 512
    private static let contextLength = 4 * piece
    /// A little more than one piece, and than three: as many pieces as make two threads share them.
    private static let sequences: [[Int32]] = [1, 3].map {
        TransformerHarness.tokens(count: $0 * piece + 40, seed: UInt64($0))
    }

    /// With a window and capped scores, with a window, sinks and experts, beside a parallel
    /// feed-forward layer, or with none of them.
    @Test(arguments: ["llama", "gemma2", "gpt-oss", "phi2"])
    func `logits do not depend on how threads share out a long context`(name: String) throws {
        let directory = try TemporaryDirectory()
        var model = TinyModel()
        model.architecture = name
        model.embeddingLength = 128
        model.headDimension = 32
        model.feedForwardLength = 256
        model.contextLength = Self.contextLength
        let file = try TransformerHarness.open(model, in: directory)
        func harness(_ threadCount: Int, _ sequenceCount: Int) throws -> TransformerHarness {
            try TransformerHarness(
                file,
                threadCount: threadCount,
                sequenceCount: sequenceCount,
                contextLength: Self.contextLength
            )
        }
        let alone = try harness(1, 1)
        let expected = Self.sequences.map { bits(alone.logits([$0], chunk: 64)[0]) }
        for (threadCount, chunk) in [(2, 1), (3, 4), (5, 3), (2, 64)] {
            let together = try harness(threadCount, Self.sequences.count)
            let actual = together.logits(Self.sequences, chunk: chunk)
            for (index, logits) in actual.enumerated() {
                let isEqual = bits(logits) == expected[index]
                #expect(isEqual, "sequence \(index), \(threadCount) threads, chunks of \(chunk)")
            }
        }
    }
}

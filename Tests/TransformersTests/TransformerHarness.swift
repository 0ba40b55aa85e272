import KVCache
import Kernels
import ModelFiles
import TestSupport
import Transformers

/// A loaded model with storage, and ways to run sequences through it.
final class TransformerHarness {
    let transformer: Transformer
    let storage: KVStorage

    private let blocksPerSequence: Int

    convenience init(
        _ file: GGUFFile,
        threadCount: Int = 1,
        instructionSet: InstructionSet = .best,
        sequenceCount: Int = 1,
        contextLength: Int = 256,
        type: KVType = .f16
    ) throws {
        let pool = try KernelThreadPool(threadCount: threadCount, instructionSet: instructionSet)
        try self.init(
            Transformer.load(file, pool: pool, contextLength: contextLength),
            sequenceCount: sequenceCount,
            contextLength: contextLength,
            type: type
        )
    }

    init(
        _ transformer: Transformer,
        sequenceCount: Int = 1,
        contextLength: Int = 256,
        type: KVType = .f16
    ) throws {
        self.transformer = transformer
        blocksPerSequence = (contextLength + 31) / 32
        storage = try transformer.makeStorage(
            blockCount: sequenceCount * blocksPerSequence,
            type: type
        )
    }

    /// The logits of every token of every sequence, `[sequence][token][V]`, computed side by side,
    /// `chunk` tokens of each sequence to a batch; each with its adapter, if there are some.
    func logits(
        _ sequences: [[Int32]],
        chunk: Int,
        adapters: [Adapter?] = []
    ) -> [[[Float]]] {
        var results = [[[Float]]](repeating: [], count: sequences.count)
        var position = 0
        while true {
            var batch = ForwardBatch()
            var owners: [Int] = []
            for (index, tokens) in sequences.enumerated() where position < tokens.count {
                let part = tokens[position..<min(tokens.count, position + chunk)]
                batch.entries.append(
                    ForwardBatch.Entry(
                        tokens: part,
                        firstPosition: position,
                        blockTable: table(of: index, among: sequences.count),
                        logits: .all,
                        adapter: adapters.isEmpty ? nil : adapters[index]
                    )
                )
                owners += Array(repeating: index, count: part.count)
            }
            guard !owners.isEmpty else { return results }
            transformer.forward(batch, cache: storage)
            for (row, owner) in owners.enumerated() {
                results[owner].append(Array(transformer.logits(row: row)))
            }
            position += chunk
        }
    }

    /// Blocks of the sequences are interleaved and descend, so that no two neighbours are adjacent.
    private func table(of index: Int, among count: Int) -> [Int32] {
        (0..<blocksPerSequence).map { block in
            Int32((blocksPerSequence - 1 - block) * count + index)
        }
    }

    /// Writes a tiny model and opens it.
    static func open(
        _ model: TinyModel,
        in directory: TemporaryDirectory,
        changing change: (inout GGUFWriter) -> Void = { _ in }
    ) throws -> GGUFFile {
        var writer = model.writer()
        change(&writer)
        let path = directory.file("model.gguf")
        try writer.write(to: path)
        return try GGUFFile.open(path: path)
    }

    /// Tokens of a tiny vocabulary, the same for the same seed.
    static func tokens(count: Int, seed: UInt64) -> [Int32] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Int32.random(in: 0..<256, using: &generator) }
    }
}

/// The bit patterns, so that equality means equality (also of NaN and of zeros' signs).
func bits(_ rows: [[Float]]) -> [[UInt32]] {
    rows.map { $0.map(\.bitPattern) }
}

/// The root mean square of the differences over that of the expected values.
func relativeError(_ actual: [[Float]], _ expected: [[Float]]) -> Double {
    var difference = 0.0
    var size = 0.0
    for (a, e) in zip(actual.joined(), expected.joined()) {
        difference += (Double(a) - Double(e)) * (Double(a) - Double(e))
        size += Double(e) * Double(e)
    }
    return (difference / size).squareRoot()
}

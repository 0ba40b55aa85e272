import Inference
import KVCache
import ModelFiles
import TestSupport
import Tokenizers
import Transformers

/// A model whose logits are a function of all tokens before a position.
///
/// It keeps the tokens in blocks as a real one keeps keys and values, and reads the whole sequence
/// back from the block table: a wrong table, position or recomputation changes the logits.
final class FakePass: ForwardPass {
    let vocabularySize: Int
    /// The most tokens of a batch that came.
    private(set) var largestBatch = 0
    /// Parts that came.
    private(set) var partCount = 0
    /// Components of a hidden state.
    let hiddenLength = 8
    private var blocks: [Int32: [Int32]] = [:]
    private var rows: [UnsafeMutableBufferPointer<Float>] = []
    private let function: ([Int32]) -> [Float]

    init(vocabularySize: Int, _ function: @escaping ([Int32]) -> [Float]) {
        self.vocabularySize = vocabularySize
        self.function = function
    }

    deinit { rows.forEach { $0.deallocate() } }

    var threadCount: Int { 2 }

    /// One after the other, the last first: the order must not matter.
    func onThreads(_ body: @Sendable (_ thread: Int, _ threadCount: Int) -> Void) {
        for thread in (0..<threadCount).reversed() { body(thread, threadCount) }
    }

    func copyBlock(from source: Int32, to target: Int32) { blocks[target] = blocks[source] }

    func releaseMemory(ofBlocks range: Range<Int>) {
        for block in range { blocks[Int32(block)] = nil }
    }

    func forward(_ batch: ForwardBatch) {
        rows.forEach { $0.deallocate() }
        rows = []
        let tokenCount = batch.entries.reduce(0) { $0 + ($1.part == nil ? $1.tokens.count : 0) }
        largestBatch = max(largestBatch, tokenCount)
        precondition(tokenCount <= 512, "a batch has at most 512 tokens")
        for entry in batch.entries {
            if let part = entry.part {
                compute(part, of: entry)
                continue
            }
            for (offset, token) in entry.tokens.enumerated() {
                let position = entry.firstPosition + offset
                let block = entry.blockTable[position / KVStorage.blockTokenCount]
                blocks[block, default: Array(repeating: -1, count: KVStorage.blockTokenCount)][
                    position % KVStorage.blockTokenCount
                ] = token
                let isWanted =
                    entry.logits == .all
                    || entry.logits == .last && offset == entry.tokens.count - 1
                    || entry.logits == .first && offset == 0
                if isWanted { addRow(sequence(entry, through: position)) }
            }
        }
    }

    /// The first round writes the tokens; the outputs come when all rounds were made.
    private func compute(_ part: ForwardBatch.Part, of entry: ForwardBatch.Entry) {
        partCount += 1
        for position in part.work where position < entry.tokens.count {
            let block = entry.blockTable[position / KVStorage.blockTokenCount]
            blocks[block, default: Array(repeating: -1, count: KVStorage.blockTokenCount)][
                position % KVStorage.blockTokenCount
            ] = entry.tokens[position]
        }
        guard part.isEnd else { return }
        let rows =
            switch entry.logits {
            case .none: 0..<0
            case .first: 0..<1
            case .last: entry.tokens.count - 1..<entry.tokens.count
            case .all: 0..<entry.tokens.count
            }
        for position in rows { addRow(sequence(entry, through: position)) }
    }

    func logits(row: Int) -> UnsafeBufferPointer<Float> { UnsafeBufferPointer(rows[row]) }

    /// The first of the logits: a fake model's output is what it is asked for.
    func hiddenState(row: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: logits(row: row).prefix(hiddenLength))
    }

    func applyHead(to vector: [Float]) -> [Float] { vector }

    private func sequence(_ entry: ForwardBatch.Entry, through position: Int) -> [Int32] {
        (0...position).map { position in
            let block = entry.blockTable[position / KVStorage.blockTokenCount]
            return blocks[block]?[position % KVStorage.blockTokenCount] ?? -1
        }
    }

    private func addRow(_ tokens: [Int32]) {
        let row = UnsafeMutableBufferPointer<Float>.allocate(capacity: vocabularySize)
        _ = row.initialize(from: function(tokens))
        rows.append(row)
    }
}

extension FakePass {
    /// Logits that look random and depend on every token.
    static func hashing(vocabularySize: Int) -> FakePass {
        FakePass(vocabularySize: vocabularySize) { tokens in
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for token in tokens {
                hash = (hash ^ UInt64(bitPattern: Int64(token))) &* 0x100_0000_01B3
            }
            var random = SeededGenerator(seed: hash)
            return (0..<vocabularySize).map { _ in Float.random(in: -4...4, using: &random) }
        }
    }

    /// A model that says one text, token by token, after a prompt of a known length.
    static func saying(_ tokens: [Int32], after promptCount: Int) -> FakePass {
        let vocabularySize = TinyVocabulary.tokens.count
        return FakePass(vocabularySize: vocabularySize) { known in
            var logits = [Float](repeating: 0, count: vocabularySize)
            let index = known.count - promptCount
            if tokens.indices.contains(index) { logits[Int(tokens[index])] = 10 }
            return logits
        }
    }
}

/// The tokenizer of `TinyModel`: a token for each byte, some merges, three control tokens.
enum TinyTokenizer {
    static let endToken = Int32(TinyVocabulary.tokens.count - 1)

    static func make() throws -> Tokenizer {
        try Tokenizer(metadata: GGUFFile.parse(TinyModel().writer().serialized()).metadata)
    }
}

extension FakePass {
    /// What the model says after these tokens.
    func logits(after tokens: [Int32]) -> [Float] { function(tokens) }
}

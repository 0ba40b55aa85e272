/// Damaged model files, the same for the same seed: what a hostile file may look like.
package struct ModelMutations: Sendable {
    /// One damaged file.
    package struct Mutant: Sendable {
        /// What was done to it, for the report of a failure.
        package let name: String
        /// The file.
        package let bytes: [UInt8]
    }

    private let model: TinyModel
    private var generator: SeededGenerator

    /// Mutations of `model`.
    package init(of model: TinyModel, seed: UInt64) {
        self.model = model
        generator = SeededGenerator(seed: seed)
    }

    /// Some `count` of all mutants, of each kind about its share.
    package mutating func mutants(_ count: Int) -> [Mutant] {
        var all = hyperParameters() + truncations()
        let rest = max(count - all.count, count / 2)
        for index in 0..<rest { all.append(index % 2 == 0 ? field() : flippedBits()) }
        return Array(all.shuffled(using: &generator).prefix(count))
    }

    private static let numbers: [UInt32] = [
        0, 1, 2, 15, 16, 64, 255, 1 << 16, 1 << 20, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
    ]
    private static let reals: [Float] = [
        0, -1, .leastNonzeroMagnitude, 1e-30, 1e30, .infinity, -.infinity, .nan,
    ]

    /// Every hyper-parameter at every extreme, and keys that a file may have besides.
    private func hyperParameters() -> [Mutant] {
        let prefix = model.architecture
        var changes: [(String, GGUFWriter.Value)] = []
        for key in [
            "context_length", "embedding_length", "block_count", "feed_forward_length",
            "attention.head_count", "attention.head_count_kv", "attention.key_length",
            "attention.value_length", "rope.dimension_count", "vocab_size", "expert_count",
        ] {
            changes += Self.numbers.map { ("\(prefix).\(key)", .uint32($0)) }
            changes += [0, .max, 1 << 63, 1 << 32].map { ("\(prefix).\(key)", .uint64($0)) }
            changes.append(("\(prefix).\(key)", .int32s([])))
            changes.append(("\(prefix).\(key)", .int32s([-1, 0])))
            changes.append(("\(prefix).\(key)", .string("")))
        }
        for key in [
            "rope.freq_base", "rope.scaling.factor", "attention.layer_norm_rms_epsilon",
        ] {
            changes += Self.reals.map { ("\(prefix).\(key)", .float32($0)) }
            changes += [1e-300, -1e300].map { ("\(prefix).\(key)", .float64($0)) }
        }
        for key in ["bos_token_id", "eos_token_id", "padding_token_id", "unknown_token_id"] {
            changes += Self.numbers.map { ("tokenizer.ggml.\(key)", .uint32($0)) }
        }
        for key in ["tokens", "merges", "token_type", "scores"] {
            changes.append(("tokenizer.ggml.\(key)", .strings([])))
            changes.append(("tokenizer.ggml.\(key)", .strings(["", " ", "a b", "a b"])))
            changes.append(("tokenizer.ggml.\(key)", .int32s([1])))
        }
        return changes.map { key, value in
            var writer = model.writer()
            if let index = writer.metadata.firstIndex(where: { $0.key == key }) {
                writer.metadata[index].value = value
            } else {
                writer.set(key, value)
            }
            return Mutant(name: "\(key) = \(value)", bytes: writer.serialized())
        }
    }

    /// The file cut off at every 4 KiB.
    private func truncations() -> [Mutant] {
        let bytes = model.writer().serialized()
        return stride(from: 0, to: bytes.count, by: 4096).map {
            Mutant(name: "cut off at \($0)", bytes: Array(bytes[..<$0]))
        }
    }

    /// A count, length, type, dimension or offset at an extreme, or a little off.
    private mutating func field() -> Mutant {
        var (bytes, fields) = model.writer().serializedWithFields()
        let field = fields[generator.int(in: 0...fields.count - 1)]
        let old = field.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
        let values: [UInt64] = [
            0, 1, 1 << 31, 1 << 32, .max >> 1, .max, old &+ 1, old &- 1, old &* 2, old ^ 1 << 40,
        ]
        let value = values[generator.int(in: 0...values.count - 1)]
        for (index, place) in field.enumerated() {
            bytes[place] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
        return Mutant(name: "field at \(field) \(old) → \(value)", bytes: bytes)
    }

    /// One to eight bits turned over, half of the time in the header.
    private mutating func flippedBits() -> Mutant {
        var bytes = model.writer().serialized()
        let end = generator.chance(0.5) ? bytes.count : min(bytes.count, 16 << 10)
        let places = (0..<generator.int(in: 1...8)).map { _ in generator.int(in: 0...end * 8 - 1) }
        for place in places { bytes[place / 8] ^= 1 << (place % 8) }
        return Mutant(name: "bits \(places) flipped", bytes: bytes)
    }
}

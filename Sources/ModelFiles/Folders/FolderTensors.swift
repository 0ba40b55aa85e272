import Tensors

/// The tensors of a folder as GGUF files have them, and how each comes about.
struct FolderTensors {
    /// How a tensor's bytes come about.
    struct Recipe: Sendable {
        /// Where its numbers come from.
        enum Source: Sendable {
            /// A tensor of file number `file`.
            case stored(SafetensorsFile.Tensor, file: Int)
            /// Numbers that follow from the configuration.
            case computed([Float])
        }

        var source: Source
        /// Added to every number; only to those that become `F32`.
        var addend: Float = 0
        /// Rows of a head, if they move so that rotary pairs become neighbours.
        var headRowCount: Int?
    }

    private(set) var tensors: [GGUFTensor] = []
    /// By `GGUFTensor.partIndex`.
    private(set) var recipes: [Recipe] = []

    /// Sorts the tensors of all files into their places.
    ///
    /// - Parameters:
    ///   - files: The stored tensors of each file.
    ///   - metadata: What the configuration says.
    ///   - path: The folder, for errors.
    /// - Throws: The name of a tensor that the family doesn't have, or that is there twice.
    init(
        _ files: [[SafetensorsFile.Tensor]],
        metadata: FolderMetadata,
        path: String
    ) throws(GGUFError) {
        let family = metadata.family
        let isTied =
            metadata.configuration.flag("tie_word_embeddings") ?? (family == .gemma3)
        let headDimension = try metadata.headDimension()
        for (file, stored) in files.enumerated() {
            for tensor in stored {
                guard let place = FolderTensorNames.place(of: tensor.name, in: family) else {
                    throw GGUFError(
                        path: path,
                        problem: .invalidTensor(
                            name: tensor.name,
                            reason: "is not one that models of the type \(family) have"
                        )
                    )
                }
                guard case .named(let name) = place else { continue }
                // The head of a tied model is its embedding, whatever the file holds besides.
                if isTied, name == "output.weight" { continue }
                var recipe = Recipe(source: .stored(tensor, file: file))
                if family.addsOneToNorms, name.hasSuffix("norm.weight") { recipe.addend = 1 }
                if family.pairsNeighbours, Self.isRotated(name) {
                    recipe.headRowCount = headDimension
                }
                try add(name, tensor, recipe, path: path)
            }
        }
        for (name, values) in try metadata.computedTensors() {
            add(
                name,
                .f32,
                dimensions: [values.count],
                byteCount: 4 * values.count,
                Recipe(source: .computed(values))
            )
        }
    }

    private mutating func add(
        _ name: String,
        _ stored: SafetensorsFile.Tensor,
        _ recipe: Recipe,
        path: String
    ) throws(GGUFError) {
        func refusal(_ reason: String) -> GGUFError {
            GGUFError(path: path, problem: .invalidTensor(name: stored.name, reason: reason))
        }
        guard [.f32, .f16, .bf16].contains(stored.type) else {
            throw refusal("is of type \(stored.type); F32, F16 and BF16 can be read")
        }
        let count = stored.byteCount / stored.type.blockByteCount
        // What the kernels add and multiply number by number is small and kept exact.
        let isExact =
            stored.shape.count < 2 || name == "position_embd.weight"
            || name == "token_types.weight"
        if let rows = recipe.headRowCount {
            guard rows > 0, rows % 2 == 0, let first = stored.shape.first, first % rows == 0 else {
                throw refusal("has \(stored.shape) rows, no multiple of a head's \(rows)")
            }
        }
        // Four bytes for each number: a product that fits as the stored one of two bytes did.
        let (exactByteCount, overflow) = count.multipliedReportingOverflow(by: 4)
        guard !overflow else { throw refusal("is too large") }
        add(
            name,
            isExact ? .f32 : stored.type,
            dimensions: stored.shape.reversed(),
            byteCount: isExact ? exactByteCount : stored.byteCount,
            recipe
        )
    }

    private mutating func add(
        _ name: String,
        _ type: TensorType,
        dimensions: [Int],
        byteCount: Int,
        _ recipe: Recipe
    ) {
        tensors.append(
            GGUFTensor(
                name: name,
                type: type,
                dimensions: dimensions,
                byteCount: byteCount,
                partIndex: recipes.count,
                fileOffset: 0
            )
        )
        recipes.append(recipe)
    }

    /// Whether a tensor, or a factor of an adapter for it, has rows that rotate.
    static func isRotated(_ name: String) -> Bool {
        [".attn_q.weight", ".attn_k.weight", ".attn_q.bias", ".attn_k.bias"].contains {
            name.hasSuffix($0) || name.hasSuffix($0 + ".lora_b")
        }
    }
}

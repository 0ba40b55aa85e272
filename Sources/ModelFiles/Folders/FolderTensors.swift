import Tensors

/// The tensors of a folder as GGUF files have them, and how each comes about.
struct FolderTensors {
    /// How a tensor's bytes come about.
    struct Recipe: Sendable {
        /// Where its numbers come from.
        enum Source: Sendable {
            /// A tensor of file number `file`.
            case stored(SafetensorsFile.Tensor, file: Int)
            /// The tensors of a quantised matrix.
            case grouped(GroupedMatrix)
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

    private let metadata: FolderMetadata
    /// The folder, for errors.
    private let path: String
    private let headDimension: Int

    /// Sorts the tensors of all files into their places.
    ///
    /// - Parameters:
    ///   - files: The stored tensors of each file.
    ///   - metadata: What the configuration says.
    ///   - path: The folder, for errors.
    ///   - read: Gives the bytes of a small tensor.
    /// - Throws: The name of a tensor that the family doesn't have, or that is there twice.
    init(
        _ files: [[SafetensorsFile.Tensor]],
        metadata: FolderMetadata,
        path: String,
        read: (GroupedMatrix.Part) throws(GGUFError) -> [UInt8]
    ) throws(GGUFError) {
        self.metadata = metadata
        self.path = path
        headDimension = try metadata.headDimension()
        var grouped = GroupedTensors()
        for (file, stored) in files.enumerated() {
            for tensor in stored {
                if let method = metadata.quantization?.method,
                    try grouped.take(
                        GroupedMatrix.Part(tensor: tensor, file: file),
                        method,
                        path: path
                    )
                {
                    continue
                }
                try add(tensor, file: file)
            }
        }
        if let quantization = metadata.quantization {
            var matrices: [(stored: String, matrix: GroupedMatrix)] = []
            for (name, parts) in grouped.partsByName.sorted(by: { $0.key < $1.key }) {
                let matrix = try GroupedMatrix(
                    name: name,
                    parts: parts,
                    quantization: quantization,
                    path: path,
                    read: read
                )
                matrices.append((name, matrix))
            }
            try add(matrices)
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

    private func refusal(_ name: String, _ reason: String) -> GGUFError {
        GGUFError(path: path, problem: .invalidTensor(name: name, reason: reason))
    }

    /// The GGUF name of a tensor of the folder; nil if it goes nowhere.
    private func place(of name: String) throws(GGUFError) -> String? {
        let family = metadata.family
        guard let place = FolderTensorNames.place(of: name, in: family) else {
            throw refusal(
                name,
                GroupedTensors.isPart(name) && metadata.quantization == nil
                    ? "belongs to a quantised matrix, and config.json has no quantization_config "
                        + "that says how it is stored"
                    : "is not one that models of the type \(family) have"
            )
        }
        guard case .named(let name) = place else { return nil }
        // The head of a tied model is its embedding, whatever the file holds besides.
        let isTied =
            metadata.configuration.flag("tie_word_embeddings") ?? family.isGemma
        return isTied && name == "output.weight" ? nil : name
    }

    /// Rows of a head, if those of a tensor move; of `rowCount` rows.
    private func headRowCount(
        _ name: String,
        rowCount: Int,
        stored: String
    ) throws(GGUFError) -> Int? {
        guard metadata.family.pairsNeighbours, Self.isRotated(name) else { return nil }
        let count = headDimension
        guard count > 0, count % 2 == 0, rowCount % count == 0 else {
            throw refusal(stored, "has \(rowCount) rows, no multiple of a head's \(count)")
        }
        return count
    }

    private mutating func add(
        _ stored: SafetensorsFile.Tensor,
        file: Int
    ) throws(GGUFError) {
        guard let name = try place(of: stored.name) else { return }
        guard [.f32, .f16, .bf16].contains(stored.type) else {
            throw refusal(
                stored.name,
                "is of type \(stored.type); F32, F16 and BF16 can be read"
            )
        }
        var recipe = Recipe(source: .stored(stored, file: file))
        if metadata.family.addsOneToNorms, name.hasSuffix("norm.weight") { recipe.addend = 1 }
        recipe.headRowCount = try headRowCount(
            name,
            rowCount: stored.shape.first ?? 1,
            stored: stored.name
        )
        let count = stored.byteCount / stored.type.blockByteCount
        // What the kernels add and multiply number by number is small and kept exact.
        let isExact =
            stored.shape.count < 2 || name == "position_embd.weight"
            || name == "token_types.weight"
        // Four bytes for each number: a product that fits as the stored one of two bytes did.
        let (exactByteCount, overflow) = count.multipliedReportingOverflow(by: 4)
        guard !overflow else { throw refusal(stored.name, "is too large") }
        add(
            name,
            isExact ? .f32 : stored.type,
            dimensions: stored.shape.reversed(),
            byteCount: isExact ? exactByteCount : stored.byteCount,
            recipe
        )
    }

    /// Adds quantised matrices.
    ///
    /// A matrix in an order of its own needs its input in the same. Where others read that input too
    /// and aren't in this order, or where it isn't known to be a layer's or the head's product, it
    /// becomes `F16`.
    private mutating func add(
        _ matrices: [(stored: String, matrix: GroupedMatrix)]
    ) throws(GGUFError) {
        var places: [(name: String, stored: String, matrix: GroupedMatrix)] = []
        // Of tensors that are there, nil of those without one.
        var orders = Dictionary(tensors.map { ($0.name, [Int32]?.none) }) { first, _ in first }
        for (stored, matrix) in matrices {
            guard let name = try place(of: "\(stored).weight") else { continue }
            guard name != "token_embd.weight" else {
                throw refusal(
                    matrix.quants.tensor.name,
                    "is an embedding, which can't be in 4 bits"
                )
            }
            places.append((name, stored, matrix))
            orders.updateValue(matrix.order, forKey: name)
        }
        for (name, stored, matrix) in places {
            let readers = Self.readersOfInput(of: name).filter { orders.keys.contains($0) }
            let isCommon = !readers.isEmpty && readers.allSatisfy { orders[$0] == matrix.order }
            try add(isCommon || matrix.order == nil ? matrix : matrix.inHalves(), name, stored)
        }
    }

    /// The matrices that a layer's or the head's product shares its input with, and its own; none of
    /// other products.
    private static func readersOfInput(of name: String) -> [String] {
        let parts = name.split(separator: ".")
        guard parts.count == 4, parts[0] == "blk" else {
            return name == "output.weight" ? [name] : []
        }
        let together = [["attn_q", "attn_k", "attn_v"], ["ffn_gate", "ffn_up"]]
        let part = String(parts[2])
        return (together.first { $0.contains(part) } ?? [part]).map {
            "blk.\(parts[1]).\($0).weight"
        }
    }

    private mutating func add(
        _ matrix: GroupedMatrix,
        _ name: String,
        _ stored: String
    ) throws(GGUFError) {
        let rows = try headRowCount(
            name,
            rowCount: matrix.outputCount,
            stored: matrix.quants.tensor.name
        )
        add(
            name,
            matrix.type,
            dimensions: [matrix.inputCount, matrix.outputCount],
            byteCount: matrix.rowByteCount * matrix.outputCount,
            Recipe(source: .grouped(matrix), headRowCount: rows),
            columnOrder: matrix.order
        )
    }

    private mutating func add(
        _ name: String,
        _ type: TensorType,
        dimensions: [Int],
        byteCount: Int,
        _ recipe: Recipe,
        columnOrder: [Int32]? = nil
    ) {
        tensors.append(
            GGUFTensor(
                name: name,
                type: type,
                dimensions: dimensions,
                byteCount: byteCount,
                partIndex: recipes.count,
                fileOffset: 0,
                columnOrder: columnOrder
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

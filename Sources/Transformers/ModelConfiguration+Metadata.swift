package import ModelFiles

extension ModelConfiguration {
    /// Reads and checks the hyper-parameters of an open model file.
    ///
    /// - Throws: `ModelError` naming the key that is absent, out of range or not supported.
    package init(_ file: GGUFFile) throws(ModelError) {
        guard let architecture = Architecture(rawValue: file.architecture) else {
            throw .unsupportedArchitecture(
                file.architecture,
                supported: Architecture.allCases.map(\.rawValue)
            )
        }
        var reader = HyperParameterReader(metadata: file.metadata, prefix: architecture.rawValue)
        self.architecture = architecture
        name = try reader.name() ?? architecture.rawValue
        contextLength = try reader.required("context_length", in: 1...(1 << 24))
        embeddingLength = try reader.required("embedding_length", in: 16...(1 << 16))
        layerCount = try reader.required("block_count", in: 1...1024)
        reader.layerCount = layerCount
        headCount = try reader.uniform("attention.head_count", in: 1...1024)
        keyValueHeadCount =
            try reader.uniformIfPresent("attention.head_count_kv", in: 1...1024) ?? headCount
        feedForwardLength = try reader.uniform("feed_forward_length", in: 1...(1 << 20))
        headDimension = try reader.headDimension(
            embeddingLength: embeddingLength,
            headCount: headCount,
            keyValueHeadCount: keyValueHeadCount
        )
        rmsEpsilon = try reader.epsilon(architecture.isEncoder ? "layer_norm" : "layer_norm_rms")
        rotary = try reader.rotaryEmbedding(
            headDimension: headDimension,
            pairsNeighbours: architecture == .llama
        )
        try reader.refuseExperts()
        guard let table = file.tensor("token_embd.weight") else {
            throw .missingTensor("token_embd.weight")
        }
        vocabularySize = try reader.vocabularySize(
            rows: table.dimensions.count == 2 ? table.dimensions[1] : 0
        )
    }
}

/// Looks up the keys of one architecture and checks their ranges.
private struct HyperParameterReader {
    let metadata: GGUFMetadata
    let prefix: String
    /// L; nil until it is known.
    var layerCount: Int?

    func key(_ suffix: String) -> String {
        "\(prefix).\(suffix)"
    }

    func name() throws(ModelError) -> String? {
        do {
            return try metadata.string("general.name")
        } catch {
            throw .file(error)
        }
    }

    func optional(_ suffix: String, in range: ClosedRange<Int>) throws(ModelError) -> Int? {
        let value: Int?
        do {
            value = try metadata.integer(key(suffix))
        } catch {
            throw .file(error)
        }
        guard let value else { return nil }
        try check(value, suffix, range)
        return value
    }

    func required(_ suffix: String, in range: ClosedRange<Int>) throws(ModelError) -> Int {
        guard let value = try optional(suffix, in: range) else { throw .missingKey(key(suffix)) }
        return value
    }

    /// A number that may be given per layer; the layers must agree.
    func uniformIfPresent(
        _ suffix: String,
        in range: ClosedRange<Int>
    ) throws(ModelError) -> Int? {
        guard metadata.type(of: key(suffix))?.elementType != nil else {
            return try optional(suffix, in: range)
        }
        let values: [Int]
        do {
            values = try metadata.integers(key(suffix)) ?? []
        } catch {
            throw .file(error)
        }
        guard let first = values.first, values.count == layerCount else {
            throw .invalidKey(
                key(suffix),
                value: "a list of \(values.count)",
                reason: "it is one number, or one for each of the \(layerCount ?? 0) layers"
            )
        }
        try check(first, suffix, range)
        guard values.allSatisfy({ $0 == first }) else {
            throw .invalidKey(
                key(suffix),
                value: "\(values.prefix(8))",
                reason: "layers of different widths are not supported yet"
            )
        }
        return first
    }

    func uniform(_ suffix: String, in range: ClosedRange<Int>) throws(ModelError) -> Int {
        guard let value = try uniformIfPresent(suffix, in: range) else {
            throw .missingKey(key(suffix))
        }
        return value
    }

    func double(_ suffix: String) throws(ModelError) -> Double? {
        do {
            return try metadata.double(key(suffix))
        } catch {
            throw .file(error)
        }
    }

    func headDimension(
        embeddingLength: Int,
        headCount: Int,
        keyValueHeadCount: Int
    ) throws(ModelError) -> Int {
        guard headCount.isMultiple(of: keyValueHeadCount) else {
            throw .invalidKey(
                key("attention.head_count_kv"),
                value: "\(keyValueHeadCount)",
                reason: "it does not divide the \(headCount) query heads"
            )
        }
        let keyLength = try optional("attention.key_length", in: 1...4096)
        let valueLength = try optional("attention.value_length", in: 1...4096)
        let length = keyLength ?? embeddingLength / headCount
        if keyLength == nil, !embeddingLength.isMultiple(of: headCount) {
            throw .invalidKey(
                key("attention.head_count"),
                value: "\(headCount)",
                reason: "it does not divide the embedding length \(embeddingLength)"
            )
        }
        guard length.isMultiple(of: 16), length <= 256 else {
            throw .invalidKey(
                key("attention.key_length"),
                value: "\(length)",
                reason: "heads of a multiple of 16 up to 256 dimensions are supported"
            )
        }
        guard valueLength ?? length == length else {
            throw .invalidKey(
                key("attention.value_length"),
                value: "\(valueLength ?? 0)",
                reason: "values as wide as keys (\(length)) are supported"
            )
        }
        return length
    }

    /// The term under the root of norms, `attention.<kind>_epsilon`.
    func epsilon(_ kind: String) throws(ModelError) -> Float {
        let suffix = "attention.\(kind)_epsilon"
        guard let value = try double(suffix) else { throw .missingKey(key(suffix)) }
        guard value >= 0, value < 1 else {
            throw .invalidKey(key(suffix), value: "\(value)", reason: "it is from 0 to below 1")
        }
        return Float(value)
    }

    func rotaryEmbedding(
        headDimension: Int,
        pairsNeighbours: Bool
    ) throws(ModelError) -> ModelConfiguration.RotaryEmbedding {
        let dimensionCount =
            try optional("rope.dimension_count", in: 2...4096) ?? headDimension
        guard dimensionCount.isMultiple(of: 2), dimensionCount <= headDimension else {
            throw .invalidKey(
                key("rope.dimension_count"),
                value: "\(dimensionCount)",
                reason: "it is even and at most the head dimension \(headDimension)"
            )
        }
        let base = try double("rope.freq_base") ?? 10_000
        guard base.isFinite, base > 0 else {
            throw .invalidKey(key("rope.freq_base"), value: "\(base)", reason: "it is positive")
        }
        return ModelConfiguration.RotaryEmbedding(
            dimensionCount: dimensionCount,
            base: base,
            positionScale: try positionScale(),
            pairsNeighbours: pairsNeighbours
        )
    }

    /// 1 or, with linear scaling, 1/factor; scaling that bends the angles isn't supported yet.
    private func positionScale() throws(ModelError) -> Double {
        let typeKey = key("rope.scaling.type")
        let type: String?
        do {
            type = try metadata.string(typeKey)
        } catch {
            throw .file(error)
        }
        let factor: Double
        switch type {
        case "none": factor = 1
        case nil, "linear":
            // `rope.scale_linear` is what old files call the factor.
            let current = try double("rope.scaling.factor")
            let old = try double("rope.scale_linear")
            factor = current ?? old ?? 1
        case .some(let other):
            throw .invalidKey(
                typeKey,
                value: "'\(other)'",
                reason: "only linear rotary scaling is supported yet"
            )
        }
        guard factor.isFinite, factor >= 0 else {
            throw .invalidKey(
                key("rope.scaling.factor"),
                value: "\(factor)",
                reason: "it is positive"
            )
        }
        // Files write 0 for "no scaling".
        return factor == 0 ? 1 : 1 / factor
    }

    func refuseExperts() throws(ModelError) {
        guard let count = try optional("expert_count", in: 0...(1 << 16)), count > 0 else { return }
        throw .invalidKey(
            key("expert_count"),
            value: "\(count)",
            reason: "mixtures of experts are not supported yet"
        )
    }

    /// The rows of the embedding table, which must be the tokens that the file lists.
    func vocabularySize(rows: Int) throws(ModelError) -> Int {
        let listed: Int?
        do {
            listed = try metadata.count("tokenizer.ggml.tokens")
        } catch {
            throw .file(error)
        }
        let stated = try optional("vocab_size", in: 1...(1 << 24))
        let size = listed ?? stated ?? rows
        try check(size, "vocab_size", 1...(1 << 24))
        return size
    }

    private func check(
        _ value: Int,
        _ suffix: String,
        _ range: ClosedRange<Int>
    ) throws(ModelError) {
        guard range.contains(value) else {
            throw .invalidKey(
                key(suffix),
                value: "\(value)",
                reason: "it is from \(range.lowerBound) to \(range.upperBound)"
            )
        }
    }
}

package import ModelFiles

extension ModelConfiguration {
    /// Reads and checks the hyper-parameters of an open model file, and that its tensors are those
    /// of its architecture.
    ///
    /// - Throws: `ModelError` naming the key or tensor that is absent, out of range or not supported.
    package init(_ file: GGUFFile) throws(ModelError) {
        self = try ModelPlan(file).configuration
    }

    init(_ file: ModelReader, norms: BlockReader.NormKind) throws(ModelError) {
        let parameters = file.parameters
        architecture = parameters.prefix
        name = try parameters.modelName() ?? parameters.prefix
        contextLength = try parameters.required("context_length", in: 1...(1 << 24))
        embeddingLength = try parameters.required("embedding_length", in: 16...(1 << 16))
        layerCount = try parameters.required("block_count", in: 1...1024)
        headCount = try parameters.heads("attention.head_count", layerCount: layerCount)
        let keys = "attention.head_count_kv"
        keyValueHeadCount =
            try parameters.uniform(keys, in: 1...1024, layerCount: layerCount) ?? headCount
        feedForwardLength = try parameters.feedForwardLength(layerCount: layerCount)
        headDimension = try parameters.headDimension(
            embeddingLength: embeddingLength,
            headCount: headCount,
            keyValueHeadCount: keyValueHeadCount
        )
        switch norms {
        case .rootMeanSquare:
            normEpsilon = try parameters.epsilon("attention.layer_norm_rms_epsilon")
        case .layer: normEpsilon = try parameters.epsilon("attention.layer_norm_epsilon")
        }
        guard let table = file.file.tensor("token_embd.weight") else {
            throw .missingTensor("token_embd.weight")
        }
        vocabularySize = try parameters.vocabularySize(
            rows: table.dimensions.count == 2 ? table.dimensions[1] : 0
        )
    }
}

extension HyperParameters {
    fileprivate func modelName() throws(ModelError) -> String? {
        do {
            return try metadata.string("general.name")
        } catch {
            throw .file(error)
        }
    }

    fileprivate func heads(_ suffix: String, layerCount: Int) throws(ModelError) -> Int {
        guard let count = try uniform(suffix, in: 1...1024, layerCount: layerCount) else {
            throw .missingKey(key(suffix))
        }
        return count
    }

    fileprivate func feedForwardLength(layerCount: Int) throws(ModelError) -> Int {
        let suffix = "feed_forward_length"
        let length = try uniform(suffix, in: 0...(1 << 20), layerCount: layerCount)
        let experts = "expert_feed_forward_length"
        // Mixtures without dense layers may state the experts' width alone, or the other as 0.
        if let length, length > 0 { return length }
        guard let width = try integer(experts, in: 1...(1 << 20)) else {
            throw .missingKey(key(suffix))
        }
        return width
    }

    fileprivate func headDimension(
        embeddingLength: Int,
        headCount: Int,
        keyValueHeadCount: Int
    ) throws(ModelError) -> Int {
        guard headCount.isMultiple(of: keyValueHeadCount) else {
            throw invalid(
                "attention.head_count_kv",
                keyValueHeadCount,
                "it does not divide the \(headCount) query heads"
            )
        }
        let keyLength = try integer("attention.key_length", in: 1...4096)
        let valueLength = try integer("attention.value_length", in: 1...4096)
        let length = keyLength ?? embeddingLength / headCount
        if keyLength == nil, !embeddingLength.isMultiple(of: headCount) {
            throw invalid(
                "attention.head_count",
                headCount,
                "it does not divide the embedding length \(embeddingLength)"
            )
        }
        guard length.isMultiple(of: 16), length <= 256 else {
            throw invalid(
                "attention.key_length",
                length,
                "heads of a multiple of 16 up to 256 dimensions are supported"
            )
        }
        guard valueLength ?? length == length else {
            throw invalid(
                "attention.value_length",
                valueLength ?? 0,
                "values as wide as keys (\(length)) are supported"
            )
        }
        return length
    }

    /// The rows of the embedding table, which must be the tokens that the file lists.
    fileprivate func vocabularySize(rows: Int) throws(ModelError) -> Int {
        let listed: Int?
        do {
            listed = try metadata.count("tokenizer.ggml.tokens")
        } catch {
            throw .file(error)
        }
        let stated = try integer("vocab_size", in: 1...(1 << 24))
        let size = listed ?? stated ?? rows
        guard (1...(1 << 24)).contains(size) else {
            throw invalid("vocab_size", size, "it is from 1 to \(1 << 24)")
        }
        return size
    }
}

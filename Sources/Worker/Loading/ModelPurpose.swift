import Inference
import ModelFiles
import Transformers
import WorkerProtocol

/// What a model is for, by its file: a pooling type is what makes an embedder or a reranker of it.
enum ModelPurpose: Sendable, Hashable {
    /// It generates text.
    case generation
    /// It makes vectors, or scores if the pooling is `rank`.
    case embedding(Pooling)

    /// Reads `<architecture>.pooling_type`.
    ///
    /// An encoder without one has the mean, which most were trained for. A decoder without one, or
    /// with none, generates.
    init(_ file: GGUFFile, isEncoder: Bool) throws {
        let key = "\(file.architecture).pooling_type"
        let number = try file.metadata.integer(key) ?? 0
        guard number > 0 else {
            self = isEncoder ? .embedding(.mean) : .generation
            return
        }
        guard let pooling = Pooling(rawValue: number) else {
            throw ModelError.invalidKey(
                key,
                value: "\(number)",
                reason: "it is 0 (none), 1 (mean), 2 (cls), 3 (last) or 4 (rank)"
            )
        }
        self = .embedding(pooling)
    }

    /// What can be asked of the model.
    var task: ModelTask {
        switch self {
        case .generation: .generate
        case .embedding(.rank): .rerank
        case .embedding: .embed
        }
    }

    /// What forward passes end in.
    var output: Transformer.Output {
        switch self {
        case .generation: .logits
        case .embedding: .hiddenStates
        }
    }

    /// How vectors are made, if they are.
    var pooling: Pooling? {
        switch self {
        case .generation: nil
        case .embedding(let pooling): pooling
        }
    }
}

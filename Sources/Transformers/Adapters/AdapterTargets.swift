package import ModelFiles

/// The weights of one loaded model that adapters may change, in the order of their places.
///
/// A value that outlives the loading; safe from any thread.
package struct AdapterTargets: Sendable {
    /// What an adapter's file must be for.
    package let base: AdapterBase
    /// By place.
    let weights: [TensorRows]
    private let places: [Key: Int]

    /// Parts of a fused tensor are targets of their own.
    private struct Key: Hashable, Sendable {
        let tensor: String
        let first: Int
    }

    /// The targets in an open model that will be loaded for `output`.
    ///
    /// - Throws: `ModelError`, as a load would.
    package init(of file: GGUFFile, output: Transformer.Output) throws(ModelError) {
        self.init(try ModelPlan(file), output)
    }

    init(_ plan: ModelPlan, _ output: Transformer.Output) {
        base = AdapterBase(
            architecture: plan.configuration.architecture,
            headDimension: plan.configuration.headDimension
        )
        var weights = plan.layers.flatMap(\.adaptable)
        if output == .logits, let head = plan.head?.matrix { weights.append(head) }
        // Adapters see inputs as they are.
        for index in weights.indices { weights[index].tensor.columnOrder = nil }
        self.weights = weights
        let keys = weights.map { Key(tensor: $0.tensor.name, first: $0.range.lowerBound) }
        places = Dictionary(uniqueKeysWithValues: zip(keys, weights.indices))
    }

    /// The place of a weight; nil if adapters leave it alone.
    func place(of rows: TensorRows) -> Int? {
        places[Key(tensor: rows.tensor.name, first: rows.range.lowerBound)]
    }
}

extension ModelPlan.Layer {
    /// Every product but those of experts, whose rows find their weights one by one.
    fileprivate var adaptable: [TensorRows] {
        let attention = [attention.query, attention.key, attention.value, attention.output]
        let inner: [ModelPlan.Weight]
        switch feedForward {
        case .dense(let dense):
            inner = [dense.gate, dense.down] + (dense.up.map { [$0] } ?? [])
        case .experts(let experts):
            inner = [experts.router] + (experts.shared.map { [$0.gate, $0.up, $0.down] } ?? [])
        }
        return (attention + inner).map(\.matrix)
    }
}

import Kernels
import ModelFiles
import Tensors

/// All that a plan reads from the file.
extension ModelPlan {
    /// What becomes packed matrices, for a program that ends in `output`.
    func matrices(_ output: Transformer.Output) -> [TensorRows] {
        var matrices = [embedding.table]
        if let positions = embedding.positions { matrices.append(positions) }
        for layer in layers { matrices += layer.weights.map(\.matrix) }
        if output == .logits, let matrix = head?.matrix { matrices.append(matrix) }
        return matrices
    }

    /// What becomes vectors of floats: norms, biases and the like.
    func vectors(_ output: Transformer.Output) -> [TensorRows] {
        var vectors = (embedding.norm?.vectors ?? []) + (outputNorm?.vectors ?? [])
        if let constant = embedding.constant { vectors.append(constant) }
        for layer in layers { vectors += layer.vectors }
        if output == .logits, let bias = head?.bias { vectors.append(bias) }
        if let pooledHead { vectors += pooledHead.all }
        return vectors
    }

    /// Bytes in the file, without the few of rotary factors.
    func byteCount(_ output: Transformer.Output) -> Int {
        (matrices(output) + vectors(output)).reduce(0) { $0 + $1.byteCount }
    }

    /// Bytes in memory.
    func packedByteCount(_ output: Transformer.Output) throws(ModelError) -> Int {
        var sum = vectors(output).reduce(0) { $0 + $1.elementCount * MemoryLayout<Float>.size }
        for matrix in matrices(output) {
            sum += try matrix.packedByteCount() + matrix.columnOrderByteCount
        }
        return sum
    }

    /// Whether some product reads its rows as floats.
    func readsValues(_ output: Transformer.Output) -> Bool {
        let types: [TensorType] = [.f32, .f16, .bf16] + (configuration.isEncoder ? [.q8_0] : [])
        return matrices(output).contains { types.contains($0.tensor.type) }
    }
}

extension ModelPlan.Layer {
    fileprivate var weights: [ModelPlan.Weight] {
        let attention = [attention.query, attention.key, attention.value, attention.output]
        switch feedForward {
        case .dense(let dense): return attention + dense.weights
        case .experts(let experts): return attention + experts.weights
        }
    }

    fileprivate var vectors: [TensorRows] {
        let norms = [attention.norm, attention.queryNorm?.norm, attention.keyNorm?.norm]
        let vectors =
            norms.compactMap(\.self).flatMap(\.vectors) + weights.compactMap(\.bias)
            + attention.join.vectors + (attention.sinks.map { [$0] } ?? [])
        switch feedForward {
        case .dense(let dense): return vectors + (dense.norm?.vectors ?? []) + dense.join.vectors
        case .experts(let experts): return vectors + experts.norm.vectors
        }
    }
}

extension ModelPlan.FeedForward {
    fileprivate var weights: [ModelPlan.Weight] { [gate, down] + (up.map { [$0] } ?? []) }
}

extension ModelPlan.Experts {
    fileprivate var weights: [ModelPlan.Weight] {
        let shared = shared.map { [$0.gate, $0.up, $0.down, $0.opening] } ?? []
        return [router, gate, up, down] + shared
    }
}

extension ModelPlan.Join {
    fileprivate var vectors: [TensorRows] {
        [branchNorm, norm].compactMap(\.self).flatMap(\.vectors)
    }
}

import Kernels
import ModelFiles
import Platform

/// Builds the step program of an encoder of BERT's shape while loading its weights.
///
/// All layers share one layer of the KV cache: a text is computed in one step, so the keys and values
/// of a layer are done with when the next begins.
enum EncoderProgram {
    static func build(
        _ tensors: EncoderTensors,
        configuration: ModelConfiguration,
        loader: WeightLoader,
        positionCount: Int,
        pool: KernelThreadPool
    ) throws(ModelError) -> StepProgram {
        let program: StepProgram
        do {
            program = try StepProgram(
                shape: shape(configuration, positionCount: positionCount),
                positionCount: positionCount,
                rotaries: [],
                pool: pool
            )
        } catch {
            throw .outOfMemory(what: "the scratch space of a step", byteCount: 0)
        }
        var constant: FloatVector?
        if let types = tensors.types {
            let width = configuration.embeddingLength
            constant = FloatVector(Array(try loader.dequantised(types).prefix(width)))
        }
        program.appendEmbedding(
            try loader.matrix(tensors.embedding),
            positions: try loader.matrix(tensors.positions),
            constant: constant,
            norm: try norm(tensors.embeddingNorm, loader)
        )
        for (index, layer) in tensors.layers.enumerated() {
            let isLast = index == tensors.layers.count - 1
            var attention = StepProgram.Attention(
                layer: 0,
                norm: nil,
                query: try loader.weight(layer.query),
                key: try loader.weight(layer.key),
                value: try loader.weight(layer.value),
                output: try loader.weight(layer.attentionOutput),
                queryScale: 1 / Float(configuration.headDimension).squareRoot()
            )
            attention.rotary = nil
            attention.visibility = .everything
            attention.join = StepProgram.Join(norm: try norm(layer.attentionNorm, loader))
            program.append(attention, isLast: isLast)
            var feedForward = StepProgram.FeedForward(
                norm: nil,
                gate: try loader.weight(layer.up),
                up: nil,
                down: try loader.weight(layer.down),
                activation: .gelu
            )
            feedForward.join = StepProgram.Join(norm: try norm(layer.outputNorm, loader))
            program.append(feedForward, isLast: isLast)
        }
        program.appendHiddenStates(norm: nil)
        return program
    }

    private static func norm(
        _ tensors: EncoderTensors.Norm,
        _ loader: WeightLoader
    ) throws(ModelError) -> StepProgram.Norm {
        let bias = try tensors.bias.map { tensor throws(ModelError) in try loader.vector(tensor) }
        return .layer(try loader.vector(tensors.weight), bias: bias)
    }

    /// The dimensions of the program; a batch holds the longest text, and otherwise as much as any.
    static func shape(
        _ configuration: ModelConfiguration,
        positionCount: Int
    ) -> StepProgram.Shape {
        var shape = StepProgram.Shape(
            embeddingLength: configuration.embeddingLength,
            headCount: configuration.headCount,
            keyValueHeadCount: configuration.keyValueHeadCount,
            headDimension: configuration.headDimension,
            feedForwardLength: configuration.feedForwardLength,
            vocabularySize: configuration.vocabularySize,
            normEpsilon: configuration.rmsEpsilon,
            maximumRowCount: configuration.maximumBatchTokenCount(positionCount: positionCount)
        )
        shape.hasLogits = false
        return shape
    }
}

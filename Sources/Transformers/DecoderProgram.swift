import Kernels
import ModelFiles
import Platform

/// Builds the step program of a llama-shaped decoder while loading its weights.
enum DecoderProgram {
    static func build(
        _ tensors: DecoderTensors,
        configuration: ModelConfiguration,
        loader: WeightLoader,
        output: Transformer.Output,
        positionCount: Int,
        pool: KernelThreadPool
    ) throws(ModelError) -> StepProgram {
        let factors: [Float]?
        if let tensor = tensors.rotaryFactors {
            factors = try loader.floats(tensor)
            guard factors?.allSatisfy({ $0 > 0 }) ?? true else {
                throw .nonFinite(tensor: tensor.name)
            }
        } else {
            factors = nil
        }
        let program = try makeProgram(
            configuration: configuration,
            factors: factors,
            output: output,
            positionCount: positionCount,
            pool: pool
        )
        let embedding = try loader.matrix(tensors.embedding)
        program.appendEmbedding(embedding)
        for (index, layer) in tensors.layers.enumerated() {
            let isLast = index == tensors.layers.count - 1
            let attention = StepProgram.Attention(
                layer: index,
                norm: .rootMeanSquare(try loader.vector(layer.attentionNorm)),
                query: try loader.weight(layer.query),
                key: try loader.weight(layer.key),
                value: try loader.weight(layer.value),
                output: try loader.weight(layer.attentionOutput),
                queryScale: 1 / Float(configuration.headDimension).squareRoot()
            )
            program.append(attention, isLast: isLast)
            let feedForward = StepProgram.FeedForward(
                norm: .rootMeanSquare(try loader.vector(layer.feedForwardNorm)),
                gate: try loader.weight(layer.gate),
                up: try loader.weight(layer.up),
                down: try loader.weight(layer.down),
                activation: .silu
            )
            program.append(feedForward, isLast: isLast)
        }
        let norm = StepProgram.Norm.rootMeanSquare(try loader.vector(tensors.outputNorm))
        switch output {
        case .hiddenStates: program.appendHiddenStates(norm: norm)
        case .logits:
            var head = embedding
            if let output = tensors.output { head = try loader.matrix(output) }
            program.appendHead(norm: norm, head: StepProgram.Weight(head))
        }
        return program
    }

    private static func makeProgram(
        configuration: ModelConfiguration,
        factors: [Float]?,
        output: Transformer.Output,
        positionCount: Int,
        pool: KernelThreadPool
    ) throws(ModelError) -> StepProgram {
        let rotary = configuration.rotary
        do {
            let table = try RotaryTable(
                positionCount: positionCount,
                frequencies: RotaryTable.frequencies(
                    dimensionCount: rotary.dimensionCount,
                    base: rotary.base,
                    positionScale: rotary.positionScale,
                    factors: factors
                )
            )
            return try StepProgram(
                shape: shape(configuration, output),
                positionCount: positionCount,
                rotaries: [table],
                pool: pool
            )
        } catch {
            throw .outOfMemory(what: "the scratch space of a step", byteCount: 0)
        }
    }

    /// The dimensions of the program.
    static func shape(
        _ configuration: ModelConfiguration,
        _ output: Transformer.Output
    ) -> StepProgram.Shape {
        var shape = StepProgram.Shape(
            embeddingLength: configuration.embeddingLength,
            headCount: configuration.headCount,
            keyValueHeadCount: configuration.keyValueHeadCount,
            headDimension: configuration.headDimension,
            feedForwardLength: configuration.feedForwardLength,
            vocabularySize: configuration.vocabularySize,
            normEpsilon: configuration.rmsEpsilon,
            maximumRowCount: Transformer.maximumBatchTokenCount
        )
        shape.hasLogits = output == .logits
        return shape
    }
}

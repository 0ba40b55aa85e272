import Kernels
import ModelFiles
import Platform

/// Builds the step program of a llama-shaped decoder while loading its weights.
enum DecoderProgram {
    static func build(
        _ tensors: DecoderTensors,
        configuration: ModelConfiguration,
        loader: WeightLoader,
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
            positionCount: positionCount,
            pool: pool
        )
        let embedding = try loader.matrix(tensors.embedding)
        program.appendEmbedding(embedding)
        for (index, layer) in tensors.layers.enumerated() {
            let isLast = index == tensors.layers.count - 1
            program.appendAttention(
                layer: index,
                norm: try loader.vector(layer.attentionNorm),
                query: try loader.weight(layer.query),
                key: try loader.weight(layer.key),
                value: try loader.weight(layer.value),
                output: try loader.weight(layer.attentionOutput),
                isLast: isLast
            )
            program.appendFeedForward(
                norm: try loader.vector(layer.feedForwardNorm),
                gate: try loader.weight(layer.gate),
                up: try loader.weight(layer.up),
                down: try loader.weight(layer.down),
                isLast: isLast
            )
        }
        let norm = try loader.vector(tensors.outputNorm)
        var head = embedding
        if let output = tensors.output { head = try loader.matrix(output) }
        program.appendHead(norm: norm, head: StepProgram.Weight(head))
        return program
    }

    private static func makeProgram(
        configuration: ModelConfiguration,
        factors: [Float]?,
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
            return try StepProgram(shape: shape(configuration), rotary: table, pool: pool)
        } catch {
            throw .outOfMemory(what: "the scratch space of a step", byteCount: 0)
        }
    }

    /// The dimensions of the program.
    static func shape(_ configuration: ModelConfiguration) -> StepProgram.Shape {
        StepProgram.Shape(
            embeddingLength: configuration.embeddingLength,
            headCount: configuration.headCount,
            keyValueHeadCount: configuration.keyValueHeadCount,
            headDimension: configuration.headDimension,
            feedForwardLength: configuration.feedForwardLength,
            vocabularySize: configuration.vocabularySize,
            rmsEpsilon: configuration.rmsEpsilon,
            maximumRowCount: Transformer.maximumBatchTokenCount
        )
    }
}

import Kernels
import ModelFiles
import Tensors

// Encoders: what loading and planning of them differ in.
extension Transformer {
    static func loadEncoder(
        _ file: GGUFFile,
        _ configuration: ModelConfiguration,
        _ pool: KernelThreadPool,
        _ contextLength: Int?,
        _ progress: @escaping (Double) -> Void
    ) throws(ModelError) -> Transformer {
        let tensors = try EncoderTensors(file: file, configuration: configuration)
        let loader = WeightLoader(
            file: file,
            pool: pool,
            configuration: configuration,
            totalByteCount: tensors.byteCount,
            progress: progress
        )
        // A table of learned positions ends where training did.
        let positionCount = min(
            contextLength ?? configuration.contextLength,
            configuration.contextLength
        )
        precondition(positionCount > 0, "the context length is positive")
        let program = try EncoderProgram.build(
            tensors,
            configuration: configuration,
            loader: loader,
            positionCount: positionCount,
            pool: pool
        )
        let head = try tensors.head.map { tensors throws(ModelError) in
            try PooledHead(tensors, loader: loader)
        }
        return Transformer(
            configuration: configuration,
            weightByteCount: loader.packedByteCount,
            maximumPositionCount: positionCount,
            program: program,
            head: head
        )
    }

    static func encoderMemoryNeed(
        of file: GGUFFile,
        _ configuration: ModelConfiguration,
        contextLength: Int,
        threadCount: Int
    ) throws(ModelError) -> MemoryNeed {
        let tensors = try EncoderTensors(file: file, configuration: configuration)
        var weightByteCount = tensors.floats.reduce(0) {
            $0 + $1.elementCount * MemoryLayout<Float>.size
        }
        for tensor in tensors.matrices { weightByteCount += try tensor.packedByteCount() }
        return MemoryNeed(
            weightByteCount: weightByteCount,
            scratchByteCount: StepProgram.committedByteCount(
                shape: EncoderProgram.shape(
                    configuration,
                    positionCount: min(contextLength, configuration.contextLength)
                ),
                rotaryByteCount: 0,
                threadCount: threadCount,
                logitRowCount: 0,
                hasFloatWeights: tensors.matrices.contains {
                    [.f32, .f16, .bf16].contains($0.type)
                }
            )
        )
    }
}

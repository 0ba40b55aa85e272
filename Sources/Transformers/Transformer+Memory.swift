import Kernels
package import ModelFiles
import Tensors

extension Transformer {
    /// The memory that a model will take, in bytes, known before anything of it is allocated.
    package struct MemoryNeed: Sendable, Hashable {
        /// Packed matrices, norms and biases.
        package let weightByteCount: Int
        /// Activations, logits and the rotary table, once batches and positions have been as large
        /// as they can be.
        package let scratchByteCount: Int
    }

    /// What ``load(_:pool:output:contextLength:progress:)`` and full batches will allocate for `file`.
    ///
    /// - Parameters:
    ///   - file: The open model; only its header is read.
    ///   - output: What forward passes end in.
    ///   - contextLength: The most positions of a sequence.
    ///   - threadCount: Threads of the pool.
    ///   - logitRowCount: The most tokens of a batch that get logits.
    /// - Returns: Bytes.
    /// - Throws: `ModelError`, naming the key or tensor at fault.
    package static func memoryNeed(
        of file: GGUFFile,
        output: Output = .logits,
        contextLength: Int,
        threadCount: Int,
        logitRowCount: Int
    ) throws(ModelError) -> MemoryNeed {
        let configuration = try ModelConfiguration(file)
        if configuration.architecture.isEncoder {
            return try encoderMemoryNeed(
                of: file,
                configuration,
                contextLength: contextLength,
                threadCount: threadCount
            )
        }
        let tensors = try DecoderTensors(file: file, configuration: configuration)
        return MemoryNeed(
            weightByteCount: try tensors.packedByteCount(),
            scratchByteCount: StepProgram.committedByteCount(
                shape: DecoderProgram.shape(configuration, output),
                rotaryByteCount: RotaryTable.byteCount(
                    positionCount: contextLength,
                    dimensionCount: configuration.rotary.dimensionCount,
                    hasTemperature: false
                ),
                threadCount: threadCount,
                logitRowCount: logitRowCount,
                hasFloatWeights: tensors.matrices.contains {
                    [.f32, .f16, .bf16].contains($0.type)
                }
            )
        )
    }
}

extension DecoderTensors {
    fileprivate var matrices: [GGUFTensor] {
        [embedding] + (output.map { [$0] } ?? []) + layers.flatMap { $0.weights.map(\.matrix) }
    }

    /// Bytes of all tensors in the kernels' layouts.
    fileprivate func packedByteCount() throws(ModelError) -> Int {
        var vectors = [outputNorm]
        for layer in layers {
            vectors += layer.weights.compactMap(\.bias)
            vectors += [layer.attentionNorm, layer.feedForwardNorm]
        }
        var sum = vectors.reduce(0) { $0 + $1.elementCount * MemoryLayout<Float>.size }
        for tensor in matrices { sum += try tensor.packedByteCount() }
        return sum
    }
}

extension GGUFTensor {
    /// Bytes of a matrix in the kernels' layout.
    func packedByteCount() throws(ModelError) -> Int {
        let byteCount = PackedMatrix.byteCount(
            type: type,
            rows: dimensions[1],
            columns: dimensions[0]
        )
        guard let byteCount else { throw .unsupportedType(tensor: name, type: type.name) }
        return byteCount
    }
}

import Kernels
package import ModelFiles

extension Transformer {
    /// The memory that a model will take, in bytes, known before anything of it is allocated.
    package struct MemoryNeed: Sendable, Hashable {
        /// Packed matrices, norms and biases.
        package let weightByteCount: Int
        /// Activations, logits and the rotary table, once batches and positions have been as large
        /// as they can be.
        package let scratchByteCount: Int
        /// What is added to that once a sequence has an adapter; adapters have bytes of their own
        /// besides (``AdapterPlan/byteCount``).
        package let adapterScratchByteCount: Int
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
        let plan = try ModelPlan(file)
        let positionCount = plan.configuration.positionCount(contextLength)
        let shape = plan.shape(output)
        let readsValues = plan.readsValues(output)
        return MemoryNeed(
            weightByteCount: try plan.packedByteCount(output),
            scratchByteCount: StepProgram.committedByteCount(
                shape: shape,
                rotaryByteCount: plan.rotaries.reduce(0) { sum, rotary in
                    sum
                        + RotaryTable.byteCount(
                            positionCount: positionCount,
                            dimensionCount: rotary.dimensionCount,
                            hasTemperature: rotary.temperature != nil
                        )
                },
                threadCount: threadCount,
                logitRowCount: plan.head == nil ? 0 : logitRowCount,
                readsValues: readsValues
            ),
            adapterScratchByteCount: StepProgram.adapterByteCount(
                shape: shape,
                readsValues: readsValues
            )
        )
    }
}

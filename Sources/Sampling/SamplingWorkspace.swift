import CKernels

// Safety: whoever lends a workspace to another thread waits until that is done with it.
/// Scratch memory for sampling, shared by all sequences that one thread chooses for.
///
/// Used by one thread at a time. Sized once from the vocabulary, so that sampling does not
/// allocate per token.
@safe package final class SamplingWorkspace: @unchecked Sendable {
    let vocabularySize: Int
    /// The passes over logits for this machine.
    let kernels: torii_sampling_kernels
    /// [V] logits with penalties and bias applied.
    let logits: UnsafeMutableBufferPointer<Float>
    /// [V] unnormalised probabilities; the likeliest token's is 1.
    let weights: UnsafeMutableBufferPointer<Float>
    /// [V / block] sums of weights.
    let blockSums: UnsafeMutableBufferPointer<Double>
    /// [V] weights of the histogram's bin that is looked into.
    let selected: UnsafeMutableBufferPointer<Float>
    /// [V] indices of tokens that passed the filters.
    let indices: UnsafeMutableBufferPointer<Int32>
    /// [bins] of the histogram being read.
    let binCounts: UnsafeMutableBufferPointer<Int32>
    /// [bins] of the histogram being read.
    let binMasses: UnsafeMutableBufferPointer<Double>

    /// The bytes of a workspace: about 16 for each token of the vocabulary.
    package static func byteCount(vocabularySize: Int) -> Int {
        let blockSize = TORII_SAMPLING_BLOCK
        return 3 * vocabularySize * MemoryLayout<Float>.size
            + vocabularySize * MemoryLayout<Int32>.size
            + (vocabularySize + blockSize - 1) / blockSize * MemoryLayout<Double>.size
            + TORII_WEIGHT_BINS * (MemoryLayout<Int32>.size + MemoryLayout<Double>.size)
    }

    /// Reserves the memory, see ``byteCount(vocabularySize:)``.
    package init(vocabularySize: Int) {
        precondition(vocabularySize > 0, "a vocabulary has at least one token")
        self.vocabularySize = vocabularySize
        // Safety: the table is static and never NULL.
        unsafe kernels = torii_sampling_for(torii_isa_best()).pointee
        let blockSize = TORII_SAMPLING_BLOCK
        let binCount = TORII_WEIGHT_BINS
        // Safety: each buffer is freed exactly once in deinit and never leaves this target.
        unsafe logits = .allocate(capacity: vocabularySize)
        unsafe weights = .allocate(capacity: vocabularySize)
        unsafe blockSums = .allocate(capacity: (vocabularySize + blockSize - 1) / blockSize)
        unsafe selected = .allocate(capacity: vocabularySize)
        unsafe indices = .allocate(capacity: vocabularySize)
        unsafe binCounts = .allocate(capacity: binCount)
        unsafe binMasses = .allocate(capacity: binCount)
        unsafe logits.initialize(repeating: 0)
        unsafe weights.initialize(repeating: 0)
        unsafe blockSums.initialize(repeating: 0)
        unsafe selected.initialize(repeating: 0)
        unsafe indices.initialize(repeating: 0)
        unsafe binCounts.initialize(repeating: 0)
        unsafe binMasses.initialize(repeating: 0)
    }

    /// The tokens of a prefix in ascending order, in memory that the next call takes for its own.
    func gather(_ prefix: WeightPrefix) -> UnsafeMutableBufferPointer<Int32> {
        // Safety: weights and indices have V elements, so that all of them fit.
        let count = unsafe torii_weights_gather(
            weights.baseAddress,
            Int32(vocabularySize),
            prefix.cut,
            prefix.tieCount,
            indices.baseAddress,
            Int32(vocabularySize)
        )
        return unsafe UnsafeMutableBufferPointer(rebasing: indices[..<Int(count)])
    }

    deinit {
        // Safety: allocated in init, all of trivial types.
        unsafe logits.deallocate()
        unsafe weights.deallocate()
        unsafe blockSums.deallocate()
        unsafe selected.deallocate()
        unsafe indices.deallocate()
        unsafe binCounts.deallocate()
        unsafe binMasses.deallocate()
    }
}

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
    /// Tokens that are chosen from: V, or fewer when it is known that the others are out.
    ///
    /// What is said to be of V elements below has so many then, and `ids` their tokens.
    var count: Int
    /// [V] the tokens that are chosen from, ascending, when they are fewer than V.
    let ids: UnsafeMutableBufferPointer<Int32>
    /// [V / block] largest logits.
    let maxima: UnsafeMutableBufferPointer<Float>
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

    /// The bytes of a workspace: about 20 for each token of the vocabulary.
    package static func byteCount(vocabularySize: Int) -> Int {
        let blockSize = TORII_SAMPLING_BLOCK
        return 3 * vocabularySize * MemoryLayout<Float>.size
            + 2 * vocabularySize * MemoryLayout<Int32>.size
            + (vocabularySize + blockSize - 1) / blockSize
            * (MemoryLayout<Double>.size + MemoryLayout<Float>.size)
            + TORII_WEIGHT_BINS * (MemoryLayout<Int32>.size + MemoryLayout<Double>.size)
    }

    /// Reserves the memory, see ``byteCount(vocabularySize:)``.
    package init(vocabularySize: Int) {
        precondition(vocabularySize > 0, "a vocabulary has at least one token")
        self.vocabularySize = vocabularySize
        count = vocabularySize
        // Safety: the table is static and never NULL.
        unsafe kernels = torii_sampling_for(torii_isa_best()).pointee
        let blockSize = TORII_SAMPLING_BLOCK
        let binCount = TORII_WEIGHT_BINS
        // Safety: each buffer is freed exactly once in deinit and never leaves this target.
        unsafe ids = .allocate(capacity: vocabularySize)
        unsafe maxima = .allocate(capacity: (vocabularySize + blockSize - 1) / blockSize)
        unsafe logits = .allocate(capacity: vocabularySize)
        unsafe weights = .allocate(capacity: vocabularySize)
        unsafe blockSums = .allocate(capacity: (vocabularySize + blockSize - 1) / blockSize)
        unsafe selected = .allocate(capacity: vocabularySize)
        unsafe indices = .allocate(capacity: vocabularySize)
        unsafe binCounts = .allocate(capacity: binCount)
        unsafe binMasses = .allocate(capacity: binCount)
        unsafe ids.initialize(repeating: 0)
        unsafe maxima.initialize(repeating: 0)
        unsafe logits.initialize(repeating: 0)
        unsafe weights.initialize(repeating: 0)
        unsafe blockSums.initialize(repeating: 0)
        unsafe selected.initialize(repeating: 0)
        unsafe indices.initialize(repeating: 0)
        unsafe binCounts.initialize(repeating: 0)
        unsafe binMasses.initialize(repeating: 0)
    }

    /// What there is to know of logits; their blocks' maxima are the workspace's afterwards.
    ///
    /// - Parameters:
    ///   - logits: [V].
    ///   - copies: Whether they become the workspace's own logits too.
    /// - Returns: The largest, and whether all are finite.
    func summarize(
        _ logits: UnsafeBufferPointer<Float>,
        copies: Bool
    ) -> torii_logits_summary {
        // Safety: all have V elements, the maxima one for each block of them.
        unsafe kernels.summarize(
            logits.baseAddress,
            Int32(vocabularySize),
            copies ? self.logits.baseAddress : nil,
            maxima.baseAddress
        )
    }

    /// The largest but `rank` - 1 of the blocks' maxima; at most as many as there are blocks.
    func largestMaximum(_ rank: Int) -> Float {
        // Safety: `rank` places are written, of V.
        unsafe torii_logits_top(
            maxima.baseAddress,
            Int32(maxima.count),
            Int32(rank),
            indices.baseAddress
        )
        return unsafe maxima[Int(indices[rank - 1])]
    }

    /// Lets only the tokens with large logits be chosen from.
    ///
    /// - Parameters:
    ///   - logits: [V], last summarized.
    ///   - floor: Of the smallest logit to keep.
    /// - Returns: The logits of these tokens.
    func keepLogits(
        _ logits: UnsafeBufferPointer<Float>,
        from floor: Float
    ) -> UnsafeBufferPointer<Float> {
        // Safety: all have V elements; what is kept moves to the front.
        count = unsafe Int(
            torii_logits_above(
                logits.baseAddress,
                Int32(vocabularySize),
                maxima.baseAddress,
                floor,
                self.logits.baseAddress,
                ids.baseAddress
            )
        )
        return unsafe UnsafeBufferPointer(rebasing: self.logits[..<count])
    }

    /// The token at a place among those that are chosen from.
    func token(at place: Int32) -> Int32 {
        // Safety: the places are below `count`.
        count == vocabularySize ? place : unsafe ids[Int(place)]
    }

    /// The sum of all weights.
    var totalWeight: Double {
        // Safety: only the blocks of tokens that are chosen from.
        unsafe blockSums[..<((count + TORII_SAMPLING_BLOCK - 1) / TORII_SAMPLING_BLOCK)]
            .reduce(0, +)
    }

    /// The places of a prefix in ascending order, in memory that the next call takes for its own.
    func gather(_ prefix: WeightPrefix) -> UnsafeMutableBufferPointer<Int32> {
        // Safety: weights and indices have V elements, so that all of them fit.
        let found = unsafe torii_weights_gather(
            weights.baseAddress,
            Int32(count),
            prefix.cut,
            prefix.tieCount,
            indices.baseAddress,
            Int32(vocabularySize)
        )
        return unsafe UnsafeMutableBufferPointer(rebasing: indices[..<Int(found)])
    }

    deinit {
        // Safety: allocated in init, all of trivial types.
        unsafe ids.deallocate()
        unsafe maxima.deallocate()
        unsafe logits.deallocate()
        unsafe weights.deallocate()
        unsafe blockSums.deallocate()
        unsafe selected.deallocate()
        unsafe indices.deallocate()
        unsafe binCounts.deallocate()
        unsafe binMasses.deallocate()
    }
}

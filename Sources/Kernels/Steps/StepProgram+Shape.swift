extension StepProgram {
    /// The dimensions that all steps share.
    package struct Shape: Sendable, Hashable {
        /// E.
        package var embeddingLength: Int
        /// H.
        package var headCount: Int
        /// K; divides H.
        package var keyValueHeadCount: Int
        /// D: a multiple of 16, at most 256.
        package var headDimension: Int
        /// F: the width between the products of feed-forward layers; 0 if there are only experts.
        package var feedForwardLength: Int
        /// What mixtures of experts have in common; nil: there are none.
        package var experts: ExpertShape?
        /// V.
        package var vocabularySize: Int
        /// Whether the program ends in logits, else in hidden states.
        package var hasLogits = true
        /// Whether products with `Q8_0` matrices also get what rows lose when they are quantised: as
        /// exact as rows of 16 bits, at twice the price.
        package var refinesInputs = false
        /// The term under the root of the norms.
        package var normEpsilon: Float
        /// The most tokens of a batch.
        package var maximumRowCount: Int

        /// A shape with logits and without experts; every number is positive.
        package init(
            embeddingLength: Int,
            headCount: Int,
            keyValueHeadCount: Int,
            headDimension: Int,
            feedForwardLength: Int,
            vocabularySize: Int,
            normEpsilon: Float,
            maximumRowCount: Int
        ) {
            self.embeddingLength = embeddingLength
            self.headCount = headCount
            self.keyValueHeadCount = keyValueHeadCount
            self.headDimension = headDimension
            self.feedForwardLength = feedForwardLength
            self.vocabularySize = vocabularySize
            self.normEpsilon = normEpsilon
            self.maximumRowCount = maximumRowCount
        }

        var queryWidth: Int { headCount * headDimension }
        var projectionWidth: Int { (headCount + 2 * keyValueHeadCount) * headDimension }
        var widestInput: Int { max(embeddingLength, queryWidth, feedForwardLength) }
        /// Rows of a batch, or with experts the choices of all its rows.
        var slotCount: Int { maximumRowCount * (experts?.activeCount ?? 1) }
        /// The widest input of experts.
        var widestSlot: Int {
            experts.map { max(embeddingLength, $0.length, $0.count) } ?? 0
        }
        var logitCount: Int { hasLogits ? vocabularySize : 0 }
    }

    /// What all mixtures of experts of a model have in common.
    package struct ExpertShape: Sendable, Hashable {
        /// X.
        package var count: Int
        /// How many of them a row passes; at most `count`.
        package var activeCount: Int
        /// The width between an expert's products.
        package var length: Int
        /// Whether the weights of a row's experts sum to one; else they are its experts' parts of
        /// the softmax over all.
        package var normalizes: Bool
        /// What the weights are multiplied with.
        package var weightScale: Float

        /// A shape; every number is positive.
        package init(
            count: Int,
            activeCount: Int,
            length: Int,
            normalizes: Bool,
            weightScale: Float = 1
        ) {
            self.count = count
            self.activeCount = activeCount
            self.length = length
            self.normalizes = normalizes
            self.weightScale = weightScale
        }
    }
}

import CKernels
import Tensors

// Safety: the pointers that steps hold lead into the workspace and into what `owners` keeps, both
// as long as the program lives.

/// The steps that models are made of.
extension StepProgram {
    /// Appends the look-up of the tokens' rows in `table`, `[V, E]`: the first step.
    ///
    /// - Parameters:
    ///   - table: A row for each token.
    ///   - scale: What a token's row is multiplied with.
    ///   - positions: A row `[E]` for each position, which is added; nil: none.
    ///   - constant: `[E]`, added to every row; nil: nothing.
    ///   - norm: Of the sum; nil: none.
    package func appendEmbedding(
        _ table: PackedMatrix,
        scale: Float = 1,
        positions: PackedMatrix? = nil,
        constant: FloatVector? = nil,
        norm: Norm? = nil
    ) {
        var step = unsafe newStep(TORII_STEP_EMBED)
        unsafe step.matrices.0 = view(of: table)
        unsafe step.matrix_count = 1
        if let positions {
            unsafe step.matrices.1 = view(of: positions)
            unsafe step.matrix_count = 2
        }
        unsafe step.biases.0 = constant.map { unsafe address(of: $0) }
        unsafe step.scale = scale
        unsafe step.norm = view(of: norm)
        unsafe step.outputs.0 = workspace.residual
        unsafe step.output_stride = shape.embeddingLength
        unsafe append(step)
    }

    /// Appends one layer's attention: norm, queries, keys and values, rotation, attention, output
    /// product, and the output's way into the residual stream.
    ///
    /// In the last layer, from the attention on, only the selected rows are computed.
    package func append(_ attention: Attention, isLast: Bool) {
        appendScores(attention, isLast: isLast)
        appendOutput(attention, isLast: isLast)
    }

    /// Appends one layer's feed-forward: norm, first product and activation, second product, and
    /// the output's way into the residual stream.
    package func append(_ feedForward: FeedForward, isLast: Bool) {
        appendInner(feedForward, isLast: isLast)
        appendOutput(feedForward, isLast: isLast)
    }

    /// Appends attention and feed-forward that both read the residual stream as it was before the
    /// layer; both join it plainly.
    package func appendParallel(_ attention: Attention, _ feedForward: FeedForward, isLast: Bool) {
        precondition(
            attention.join.isPlain && feedForward.join.isPlain,
            "parallel branches are added"
        )
        appendScores(attention, isLast: isLast)
        appendInner(feedForward, isLast: isLast)
        appendOutput(attention, isLast: isLast)
        appendOutput(feedForward, isLast: isLast)
    }

    /// Appends the final norm and the output head `[V, E]`, of the rows whose logits are wanted.
    ///
    /// Logits are multiplied with `scale`, then `cap * tanh(logit / cap)` unless `cap` is nil.
    package func appendHead(norm: Norm?, head: Weight, scale: Float = 1, cap: Float? = nil) {
        precondition(shape.hasLogits, "the program ends in logits")
        var step = unsafe projection(of: [head])
        unsafe step.selected_rows = true
        unsafe step.columns = Int32(shape.embeddingLength)
        unsafe step.input = UnsafePointer(workspace.selectedResidual)
        unsafe step.input_stride = shape.embeddingLength
        unsafe step.norm = view(of: norm)
        unsafe step.scale = scale
        unsafe step.cap = cap ?? 0
        unsafe step.outputs.0 = workspace.logits
        unsafe step.output_stride = shape.vocabularySize
        unsafe append(step)
    }

    /// Appends the final norm, if there is one, of a program that ends in hidden states.
    package func appendHiddenStates(norm: Norm?) {
        precondition(!shape.hasLogits, "the program ends in hidden states")
        guard let norm else { return }
        var step = unsafe newStep(TORII_STEP_NORMALIZE)
        unsafe step.selected_rows = true
        unsafe step.columns = Int32(shape.embeddingLength)
        unsafe step.input = UnsafePointer(workspace.selectedResidual)
        unsafe step.input_stride = shape.embeddingLength
        unsafe step.norm = view(of: norm)
        unsafe step.outputs.0 = workspace.selectedResidual
        unsafe step.output_stride = shape.embeddingLength
        unsafe append(step)
    }

    /// From the residual stream to the heads' outputs.
    private func appendScores(_ attention: Attention, isLast: Bool) {
        let keyWidth = shape.keyValueHeadCount * shape.headDimension
        let keys = unsafe workspace.projections + shape.queryWidth
        var project = unsafe projection(of: [attention.query, attention.key, attention.value])
        unsafe project.columns = Int32(shape.embeddingLength)
        unsafe project.input = UnsafePointer(workspace.residual)
        unsafe project.input_stride = shape.embeddingLength
        unsafe project.norm = view(of: attention.norm)
        unsafe project.outputs.0 = workspace.projections
        unsafe project.outputs.1 = keys
        unsafe project.outputs.2 = keys + keyWidth
        unsafe project.output_stride = shape.projectionWidth
        unsafe append(project)

        unsafe appendNorm(
            attention.queryNorm?.ofAll,
            of: workspace.projections,
            columns: shape.queryWidth
        )
        unsafe appendNorm(attention.keyNorm?.ofAll, of: keys, columns: keyWidth)

        var rotate = unsafe newStep(TORII_STEP_ROTATE)
        unsafe rotate.attention = view(of: attention)
        unsafe rotate.outputs.0 = workspace.projections
        unsafe rotate.output_stride = shape.projectionWidth
        unsafe append(rotate)
        appendPause()

        var attend = unsafe newStep(TORII_STEP_ATTEND)
        unsafe attend.attention = rotate.attention
        unsafe attend.selected_rows = isLast
        unsafe attend.input = UnsafePointer(workspace.projections)
        unsafe attend.input_stride = shape.projectionWidth
        unsafe attend.outputs.0 = workspace.attention
        unsafe attend.output_stride = shape.queryWidth
        unsafe append(attend)
    }

    /// Normalises a part of the projections in place.
    private func appendNorm(_ norm: Norm?, of part: UnsafeMutablePointer<Float>, columns: Int) {
        guard let norm else { return }
        var step = unsafe newStep(TORII_STEP_NORMALIZE)
        unsafe step.columns = Int32(columns)
        unsafe step.input = UnsafePointer(part)
        unsafe step.input_stride = shape.projectionWidth
        unsafe step.norm = view(of: norm)
        unsafe step.outputs.0 = part
        unsafe step.output_stride = shape.projectionWidth
        unsafe append(step)
    }

    /// From the residual stream to what the activation gives.
    private func appendInner(_ feedForward: FeedForward, isLast: Bool) {
        let weights = [feedForward.gate] + (feedForward.up.map { [$0] } ?? [])
        var step = unsafe projection(of: weights)
        unsafe step.kind = TORII_STEP_ACTIVATED_PROJECT
        unsafe step.activation = feedForward.activation.cValue
        unsafe step.selected_rows = isLast
        unsafe step.columns = Int32(shape.embeddingLength)
        unsafe step.input = UnsafePointer(residual(isLast: isLast))
        unsafe step.input_stride = shape.embeddingLength
        unsafe step.norm = view(of: feedForward.norm)
        unsafe step.outputs.0 = workspace.gate
        unsafe step.outputs.1 = workspace.up
        unsafe step.output_stride = feedForward.down.matrix.columns
        unsafe append(step)
    }

    private func appendOutput(_ attention: Attention, isLast: Bool) {
        unsafe appendBranch(
            attention.output,
            input: workspace.attention,
            join: attention.join,
            isLast: isLast
        )
    }

    private func appendOutput(_ feedForward: FeedForward, isLast: Bool) {
        unsafe appendBranch(
            feedForward.down,
            input: workspace.gate,
            join: feedForward.join,
            isLast: isLast
        )
    }

    /// A branch's last product and its way into the residual stream.
    private func appendBranch(
        _ weight: Weight,
        input: UnsafeMutablePointer<Float>,
        join: Join,
        isLast: Bool
    ) {
        let residual = unsafe residual(isLast: isLast)
        var project = unsafe projection(of: [weight])
        unsafe project.selected_rows = isLast
        unsafe project.accumulate = join.isPlain
        unsafe project.columns = Int32(weight.matrix.columns)
        unsafe project.input = UnsafePointer(input)
        unsafe project.input_stride = weight.matrix.columns
        // Queries, keys and values are no longer needed.
        unsafe project.outputs.0 = join.isPlain ? residual : workspace.projections
        unsafe project.output_stride = shape.embeddingLength
        unsafe append(project)
        guard !join.isPlain else { return }

        var step = unsafe newStep(TORII_STEP_JOIN)
        unsafe step.selected_rows = isLast
        unsafe step.columns = Int32(shape.embeddingLength)
        unsafe step.input = UnsafePointer(workspace.projections)
        unsafe step.input_stride = shape.embeddingLength
        unsafe step.norm = view(of: join.branchNorm)
        unsafe step.result_norm = view(of: join.norm)
        unsafe step.scale = join.scale
        unsafe step.outputs.0 = residual
        unsafe step.output_stride = shape.embeddingLength
        unsafe append(step)
    }

    /// The residual stream: from the last layer's attention on it holds only the selected rows.
    func residual(isLast: Bool) -> UnsafeMutablePointer<Float> {
        unsafe isLast ? workspace.selectedResidual : workspace.residual
    }
}

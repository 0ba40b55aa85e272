import CKernels
import Tensors

// Safety: the pointers that steps hold lead into the workspace and into what `owners` keeps, both
// as long as the program lives.

/// The steps that decoder layers are made of.
extension StepProgram {
    /// A product's weights: a packed matrix `[out, in]` and an optional bias `[out]`.
    package struct Weight {
        /// The matrix.
        package var matrix: PackedMatrix
        /// What is added to every output row, or nil.
        package var bias: FloatVector?

        /// A weight.
        package init(_ matrix: PackedMatrix, bias: FloatVector? = nil) {
            self.matrix = matrix
            self.bias = bias
        }
    }

    /// Appends the look-up of the tokens' rows in `table`, `[V, E]`: the first step.
    package func appendEmbedding(_ table: PackedMatrix) {
        var step = unsafe torii_step()
        unsafe step.kind = TORII_STEP_EMBED
        unsafe step.matrix_count = 1
        unsafe step.matrices.0 = view(of: table)
        unsafe step.outputs.0 = workspace.residual
        unsafe step.output_stride = shape.embeddingLength
        unsafe append(step)
    }

    /// Appends one layer's attention: norm, query, key and value, rotary embedding, attention,
    /// output product, residual add.
    ///
    /// `layer` is the index in the KV cache. In the last layer, from the attention on, only rows
    /// whose logits are wanted are computed.
    package func appendAttention(
        layer: Int,
        norm: FloatVector,
        query: Weight,
        key: Weight,
        value: Weight,
        output: Weight,
        isLast: Bool
    ) {
        var project = unsafe projection(of: [query, key, value])
        unsafe project.columns = Int32(shape.embeddingLength)
        unsafe project.input = UnsafePointer(workspace.residual)
        unsafe project.input_stride = shape.embeddingLength
        unsafe project.norm_weight = address(of: norm)
        let keys = unsafe workspace.projections + shape.queryWidth
        unsafe project.outputs.0 = workspace.projections
        unsafe project.outputs.1 = keys
        unsafe project.outputs.2 = keys + shape.keyValueHeadCount * shape.headDimension
        unsafe project.output_stride = shape.projectionWidth
        unsafe append(project)

        var rotate = unsafe torii_step()
        unsafe rotate.kind = TORII_STEP_ROTATE
        unsafe rotate.layer = Int32(layer)
        unsafe rotate.outputs.0 = workspace.projections
        unsafe rotate.output_stride = shape.projectionWidth
        unsafe append(rotate)

        var attend = unsafe torii_step()
        unsafe attend.kind = TORII_STEP_ATTEND
        unsafe attend.layer = Int32(layer)
        unsafe attend.selected_rows = isLast
        unsafe attend.input = UnsafePointer(workspace.projections)
        unsafe attend.input_stride = shape.projectionWidth
        unsafe attend.outputs.0 = workspace.attention
        unsafe attend.output_stride = shape.queryWidth
        unsafe append(attend)

        unsafe append(
            residualProjection(
                output,
                input: workspace.attention,
                columns: shape.queryWidth,
                isLast: isLast
            )
        )
    }

    /// Appends one layer's feed-forward: norm, gate and up, SwiGLU, down, residual add.
    package func appendFeedForward(
        norm: FloatVector,
        gate: Weight,
        up: Weight,
        down: Weight,
        isLast: Bool
    ) {
        var gated = unsafe projection(of: [gate, up])
        unsafe gated.kind = TORII_STEP_GATED_PROJECT
        unsafe gated.selected_rows = isLast
        unsafe gated.columns = Int32(shape.embeddingLength)
        unsafe gated.input = UnsafePointer(residual(isLast: isLast))
        unsafe gated.input_stride = shape.embeddingLength
        unsafe gated.norm_weight = address(of: norm)
        unsafe gated.outputs.0 = workspace.gate
        unsafe gated.outputs.1 = workspace.up
        unsafe gated.output_stride = shape.feedForwardLength
        unsafe append(gated)

        unsafe append(
            residualProjection(
                down,
                input: workspace.gate,
                columns: shape.feedForwardLength,
                isLast: isLast
            )
        )
    }

    /// Appends the final norm and the output head `[V, E]`, of the rows whose logits are wanted.
    package func appendHead(norm: FloatVector, head: Weight) {
        var step = unsafe projection(of: [head])
        unsafe step.selected_rows = true
        unsafe step.columns = Int32(shape.embeddingLength)
        unsafe step.input = UnsafePointer(workspace.selectedResidual)
        unsafe step.input_stride = shape.embeddingLength
        unsafe step.norm_weight = address(of: norm)
        unsafe step.outputs.0 = workspace.logits
        unsafe step.output_stride = shape.vocabularySize
        unsafe append(step)
    }

    /// The residual stream: from the last layer's attention on it holds only the selected rows.
    private func residual(isLast: Bool) -> UnsafeMutablePointer<Float> {
        unsafe isLast ? workspace.selectedResidual : workspace.residual
    }

    private func residualProjection(
        _ weight: Weight,
        input: UnsafeMutablePointer<Float>,
        columns: Int,
        isLast: Bool
    ) -> torii_step {
        var step = unsafe projection(of: [weight])
        unsafe step.selected_rows = isLast
        unsafe step.accumulate = true
        unsafe step.columns = Int32(columns)
        unsafe step.input = UnsafePointer(input)
        unsafe step.input_stride = columns
        unsafe step.outputs.0 = residual(isLast: isLast)
        unsafe step.output_stride = shape.embeddingLength
        return unsafe step
    }

    /// A projection step with its matrices and biases; input and outputs are still to be set.
    private func projection(of weights: [Weight]) -> torii_step {
        precondition(weights.count <= Int(TORII_STEP_MATRICES), "a step has up to three matrices")
        var step = unsafe torii_step()
        unsafe step.kind = TORII_STEP_PROJECT
        unsafe step.matrix_count = Int32(weights.count)
        for (index, weight) in weights.enumerated() {
            let matrix = unsafe view(of: weight.matrix)
            let bias = unsafe weight.bias.map { unsafe address(of: $0) }
            switch index {
            case 0:
                unsafe step.matrices.0 = matrix
                unsafe step.biases.0 = bias
            case 1:
                unsafe step.matrices.1 = matrix
                unsafe step.biases.1 = bias
            default:
                unsafe step.matrices.2 = matrix
                unsafe step.biases.2 = bias
            }
            if weight.matrix.type.blockElementCount == 1 {
                unsafe step.needs_values = true
            } else {
                unsafe step.needs_quants = true
            }
        }
        return unsafe step
    }
}

import CKernels
import Tensors

// Safety: the pointers that steps hold lead into what `owners` keeps as long as the program lives.

/// The parts of layers as the C interpreter reads them.
extension StepProgram {
    /// A step that neither scales nor caps.
    func newStep(_ kind: torii_step_kind) -> torii_step {
        var step = unsafe torii_step()
        unsafe step.kind = kind
        unsafe step.scale = 1
        unsafe step.places = (-1, -1, -1)
        return unsafe step
    }

    /// A projection step with its matrices and biases; input and outputs are still to be set.
    func projection(of weights: [Weight]) -> torii_step {
        precondition(weights.count <= Int(TORII_STEP_MATRICES), "a step has up to three matrices")
        var step = unsafe newStep(TORII_STEP_PROJECT)
        unsafe step.matrix_count = Int32(weights.count)
        for (index, weight) in weights.enumerated() {
            let matrix = unsafe view(of: weight.matrix)
            let bias = unsafe weight.bias.map { unsafe address(of: $0) }
            let place = Int32(weight.place ?? -1)
            placeCount = max(placeCount, (weight.place ?? -1) + 1)
            switch index {
            case 0:
                unsafe step.matrices.0 = matrix
                unsafe step.biases.0 = bias
                unsafe step.places.0 = place
            case 1:
                unsafe step.matrices.1 = matrix
                unsafe step.biases.1 = bias
                unsafe step.places.1 = place
            default:
                unsafe step.matrices.2 = matrix
                unsafe step.biases.2 = bias
                unsafe step.places.2 = place
            }
            if weight.matrix.type.blockElementCount == 1 {
                unsafe step.needs_values = true
            } else {
                unsafe step.needs_quants = true
            }
            if shape.refinesInputs, weight.matrix.type == .q8_0 { unsafe step.refines = true }
        }
        unsafe step.order = order(of: weights).map { unsafe address(of: $0) }
        if unsafe step.refines { unsafe step.needs_values = true }
        if unsafe step.needs_values { readsValues = true }
        return unsafe step
    }

    /// The order that the quantised ones of a step's weights have in common.
    private func order(of weights: [Weight]) -> ColumnOrder? {
        let quantised = weights.filter { $0.matrix.type.blockElementCount > 1 }
        let order = quantised.first?.order
        precondition(
            quantised.allSatisfy {
                ColumnOrder.areSame($0.order, order)
                    && $0.matrix.columns == order?.count ?? $0.matrix.columns
            },
            "the quantised weights of one input have one order, of all its columns"
        )
        return order
    }

    func view(of norm: Norm?) -> torii_norm {
        var view = unsafe torii_norm()
        switch norm {
        case nil: break
        case .rootMeanSquare(let weight):
            unsafe view.kind = TORII_NORM_RMS
            unsafe view.weight = address(of: weight)
        case .layer(let weight, let bias):
            unsafe view.kind = TORII_NORM_LAYER
            unsafe view.weight = address(of: weight)
            unsafe view.bias = bias.map { unsafe address(of: $0) }
        }
        return unsafe view
    }

    func view(of attention: Attention) -> torii_attention {
        let scoring = attention.scoring
        return unsafe torii_attention(
            cache_layer: Int32(attention.layer),
            rotary: attention.rotary.map { unsafe rotary($0) },
            query_scale: scoring.queryScale,
            query_norm: view(of: attention.queryNorm?.ofEach),
            key_norm: view(of: attention.keyNorm?.ofEach),
            visible_before: Int32(clamping: attention.visibility.before),
            visible_after: Int32(clamping: attention.visibility.after),
            soft_cap: scoring.softCap ?? 0,
            sinks: scoring.sinks.map { unsafe address(of: $0) },
            slopes: scoring.slopes.map { unsafe address(of: $0) }
        )
    }
}

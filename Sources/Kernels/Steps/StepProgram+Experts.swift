import CKernels

// Safety: the pointers that steps hold lead into the workspace and into what `owners` keeps, both
// as long as the program lives.

extension StepProgram {
    /// One layer's feed-forward by a few of many experts for each row.
    ///
    /// The weights of all experts lie behind each other in one matrix, as many rows for each, which
    /// are whole strips (see ``PackedMatrix/stripRowCount``); so do their biases.
    package struct Experts {
        /// Of the residual stream.
        package var norm: Norm
        /// `[X, E]`: what chooses.
        package var router: Weight
        /// `[X F, E]`, what the activation gets.
        package var gate: Weight
        /// `[X F, E]`, what the activation's result is multiplied with.
        package var up: Weight
        /// `[X E, F]`.
        package var down: Weight
        /// Between the products.
        package var activation: Activation
        /// An expert that every row passes; nil: there is none.
        package var shared: SharedExpert?

        /// Experts without a shared one.
        package init(
            norm: Norm,
            router: Weight,
            gate: Weight,
            up: Weight,
            down: Weight,
            activation: Activation
        ) {
            self.norm = norm
            self.router = router
            self.gate = gate
            self.up = up
            self.down = down
            self.activation = activation
        }
    }

    /// An expert that every row passes.
    ///
    /// Its norm and activation are the others'.
    package struct SharedExpert {
        /// `[F, E]`.
        package var gate: Weight
        /// `[F, E]`.
        package var up: Weight
        /// `[E, F]`.
        package var down: Weight
        /// `[1, E]`: the output is multiplied with σ of its product.
        package var opening: Weight

        /// An expert.
        package init(gate: Weight, up: Weight, down: Weight, opening: Weight) {
            self.gate = gate
            self.up = up
            self.down = down
            self.opening = opening
        }
    }

    /// Appends one layer's mixture of experts: norm, choice, the experts' products, and their sum
    /// into the residual stream.
    package func append(_ experts: Experts, isLast: Bool) {
        guard let shared = shape.experts else {
            preconditionFailure("the shape of a program with experts says so")
        }
        let rowCounts = [
            experts.gate.matrix.rows, experts.up.matrix.rows, experts.down.matrix.rows,
        ]
        precondition(
            rowCounts.allSatisfy { $0 % (shared.count * Int(PackedMatrix.stripRowCount)) == 0 },
            "the rows of an expert are whole strips"
        )
        appendRouter(experts, isLast: isLast, expertCount: shared.count)
        unsafe appendProducts(
            (experts.gate, experts.up, experts.down),
            kinds: (TORII_STEP_EXPERTS_ACTIVATED_PROJECT, TORII_STEP_EXPERTS_PROJECT),
            of: experts,
            to: workspace.expertOutputs,
            isLast: isLast
        )
        if let expert = experts.shared {
            unsafe appendProducts(
                (expert.gate, expert.up, expert.down),
                kinds: (TORII_STEP_ACTIVATED_PROJECT, TORII_STEP_PROJECT),
                of: experts,
                to: workspace.projections,
                isLast: isLast
            )
        }
        var sum = unsafe newStep(TORII_STEP_EXPERTS_SUM)
        unsafe sum.routing = UnsafePointer(routing)
        unsafe sum.selected_rows = isLast
        unsafe sum.accumulate = true
        unsafe sum.columns = Int32(shape.embeddingLength)
        unsafe sum.input = UnsafePointer(workspace.expertOutputs)
        unsafe sum.input_stride = shape.embeddingLength
        unsafe sum.outputs.0 = residual(isLast: isLast)
        unsafe sum.output_stride = shape.embeddingLength
        unsafe append(sum)
        if experts.shared != nil { appendOpening(isLast: isLast, expertCount: shared.count) }
    }

    /// Logits of the experts, and of the shared one's opening; then the choice.
    private func appendRouter(_ experts: Experts, isLast: Bool, expertCount: Int) {
        let openings = experts.shared.map { [$0.opening] } ?? []
        var project = unsafe projection(of: [experts.router] + openings)
        unsafe read(experts.norm, isLast: isLast, by: &project)
        unsafe project.outputs.0 = workspace.routerLogits
        unsafe project.outputs.1 = workspace.routerLogits + expertCount
        unsafe project.output_stride = expertCount + 1
        unsafe append(project)

        var route = unsafe newStep(TORII_STEP_ROUTE)
        unsafe route.routing = UnsafePointer(routing)
        unsafe route.selected_rows = isLast
        unsafe route.input = UnsafePointer(workspace.routerLogits)
        unsafe route.input_stride = expertCount + 1
        unsafe append(route)
    }

    /// The products of the chosen experts, or of the one that every row passes, up to the output.
    private func appendProducts(
        _ products: (gate: Weight, up: Weight, down: Weight),
        kinds: (inner: torii_step_kind, down: torii_step_kind),
        of experts: Experts,
        to output: UnsafeMutablePointer<Float>,
        isLast: Bool
    ) {
        let length = products.down.matrix.columns
        var inner = unsafe projection(of: [products.gate, products.up])
        unsafe inner.kind = kinds.inner
        unsafe inner.routing = UnsafePointer(routing)
        unsafe inner.activation = experts.activation.cValue
        unsafe read(experts.norm, isLast: isLast, by: &inner)
        unsafe inner.outputs.0 = workspace.gate
        unsafe inner.outputs.1 = workspace.up
        unsafe inner.output_stride = length
        unsafe append(inner)

        var down = unsafe projection(of: [products.down])
        unsafe down.kind = kinds.down
        unsafe down.routing = UnsafePointer(routing)
        unsafe down.selected_rows = isLast
        unsafe down.columns = Int32(length)
        unsafe down.input = UnsafePointer(workspace.gate)
        unsafe down.input_stride = length
        unsafe down.outputs.0 = output
        unsafe down.output_stride = shape.embeddingLength
        unsafe append(down)
    }

    /// The shared expert's output into the residual stream, as far as its opening lets it.
    private func appendOpening(isLast: Bool, expertCount: Int) {
        var join = unsafe newStep(TORII_STEP_JOIN)
        unsafe join.selected_rows = isLast
        unsafe join.columns = Int32(shape.embeddingLength)
        unsafe join.input = UnsafePointer(workspace.projections)
        unsafe join.input_stride = shape.embeddingLength
        unsafe join.row_gates = UnsafePointer(workspace.routerLogits + expertCount)
        unsafe join.row_gate_stride = expertCount + 1
        unsafe join.outputs.0 = residual(isLast: isLast)
        unsafe join.output_stride = shape.embeddingLength
        unsafe append(join)
    }

    /// The step reads the residual stream through a norm.
    private func read(_ norm: Norm, isLast: Bool, by step: inout torii_step) {
        unsafe step.selected_rows = isLast
        unsafe step.columns = Int32(shape.embeddingLength)
        unsafe step.input = UnsafePointer(residual(isLast: isLast))
        unsafe step.input_stride = shape.embeddingLength
        unsafe step.norm = view(of: norm)
    }
}

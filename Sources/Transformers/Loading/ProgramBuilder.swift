import Kernels
import ModelFiles
import Platform

/// Turns a plan into a step program while loading its weights.
///
/// Confined to the loading thread.
struct ProgramBuilder {
    let plan: ModelPlan
    let output: Transformer.Output
    let loader: WeightLoader
    let targets: AdapterTargets

    /// Loads everything and builds the program.
    func build(positionCount: Int, pool: KernelThreadPool) throws(ModelError) -> StepProgram {
        let program = try makeProgram(positionCount: positionCount, pool: pool)
        let table = try loader.matrix(plan.embedding.table)
        program.appendEmbedding(
            table,
            scale: plan.embedding.scale,
            positions: try matrix(plan.embedding.positions),
            constant: try vector(plan.embedding.constant),
            norm: try norm(plan.embedding.norm)
        )
        for (index, layer) in plan.layers.enumerated() {
            let isLast = index == plan.layers.count - 1
            // The keys and values of an encoder's layer are done with when the next has its own.
            let cacheLayer =
                plan.configuration.isEncoder ? index % StepProgram.pausableCacheLayerCount : index
            let attention = try attention(layer.attention, layer: cacheLayer)
            switch layer.feedForward {
            case .dense(let dense) where layer.isParallel:
                program.appendParallel(attention, try feedForward(dense), isLast: isLast)
            case .dense(let dense):
                program.append(attention, isLast: isLast)
                program.append(try feedForward(dense), isLast: isLast)
            case .experts(let plan):
                program.append(attention, isLast: isLast)
                program.append(try experts(plan), isLast: isLast)
            }
        }
        let outputNorm = try norm(plan.outputNorm)
        if output == .logits, let head = plan.head {
            let weight = StepProgram.Weight(
                try matrix(head.matrix) ?? table,
                bias: try vector(head.bias),
                place: head.matrix.flatMap { targets.place(of: $0) },
                order: head.matrix.flatMap { loader.columnOrder($0) }
            )
            program.appendHead(norm: outputNorm, head: weight, scale: head.scale, cap: head.cap)
        } else {
            program.appendHiddenStates(norm: outputNorm)
        }
        return program
    }

    private func makeProgram(
        positionCount: Int,
        pool: KernelThreadPool
    ) throws(ModelError) -> StepProgram {
        var tables: [RotaryTable] = []
        for rotary in plan.rotaries {
            var factors: [Float]?
            if let rows = rotary.factors(positionCount: positionCount) {
                factors = try loader.floats(rows)
                guard factors?.allSatisfy({ $0 > 0 }) ?? true else {
                    throw .nonFinite(tensor: rows.tensor.name)
                }
            }
            tables.append(try table(rotary, factors: factors, positionCount: positionCount))
        }
        do {
            return try StepProgram(
                shape: plan.shape(output),
                positionCount: positionCount,
                rotaries: tables,
                pool: pool
            )
        } catch {
            throw .outOfMemory(what: "the scratch space of a step", byteCount: 0)
        }
    }

    private func table(
        _ rotary: Rotary,
        factors: [Float]?,
        positionCount: Int
    ) throws(ModelError) -> RotaryTable {
        do {
            return try RotaryTable(
                positionCount: positionCount,
                frequencies: rotary.frequencies(factors: factors),
                magnitude: rotary.magnitude,
                temperature: rotary.temperature
            )
        } catch {
            throw .outOfMemory(what: "the rotary table", byteCount: 0)
        }
    }

    // MARK: Parts

    private func attention(
        _ plan: ModelPlan.Attention,
        layer: Int
    ) throws(ModelError) -> StepProgram.Attention {
        var attention = StepProgram.Attention(
            layer: layer,
            norm: try norm(plan.norm),
            query: try weight(plan.query),
            key: try weight(plan.key),
            value: try weight(plan.value),
            output: try weight(plan.output),
            queryScale: plan.queryScale
        )
        attention.queryNorm = try headNorm(plan.queryNorm)
        attention.keyNorm = try headNorm(plan.keyNorm)
        attention.rotary = plan.rotary
        attention.visibility = plan.visibility
        attention.scoring.softCap = plan.softCap
        attention.scoring.sinks = try vector(plan.sinks)
        attention.scoring.slopes = plan.slopes.map { FloatVector($0) }
        attention.join = try join(plan.join)
        return attention
    }

    private func feedForward(
        _ plan: ModelPlan.FeedForward
    ) throws(ModelError) -> StepProgram.FeedForward {
        var up: StepProgram.Weight?
        if let weight = plan.up { up = try self.weight(weight) }
        var feedForward = StepProgram.FeedForward(
            norm: try norm(plan.norm),
            gate: try weight(plan.gate),
            up: up,
            down: try weight(plan.down),
            activation: plan.activation
        )
        feedForward.join = try join(plan.join)
        return feedForward
    }

    private func experts(_ plan: ModelPlan.Experts) throws(ModelError) -> StepProgram.Experts {
        var experts = StepProgram.Experts(
            norm: try norm(plan.norm),
            router: try weight(plan.router),
            gate: try weight(plan.gate),
            up: try weight(plan.up),
            down: try weight(plan.down),
            activation: plan.activation
        )
        if let shared = plan.shared {
            experts.shared = StepProgram.SharedExpert(
                gate: try weight(shared.gate),
                up: try weight(shared.up),
                down: try weight(shared.down),
                opening: try weight(shared.opening)
            )
        }
        return experts
    }

    private func join(_ plan: ModelPlan.Join) throws(ModelError) -> StepProgram.Join {
        StepProgram.Join(
            branchNorm: try norm(plan.branchNorm),
            scale: plan.scale,
            norm: try norm(plan.norm)
        )
    }

    private func headNorm(
        _ plan: ModelPlan.HeadNorm?
    ) throws(ModelError) -> StepProgram.HeadNorm? {
        guard let plan else { return nil }
        let norm = try self.norm(plan.norm)
        return switch plan {
        case .each: .each(norm)
        case .together: .together(norm)
        }
    }

    private func norm(_ plan: ModelPlan.Norm?) throws(ModelError) -> StepProgram.Norm? {
        guard let plan else { return nil }
        return try norm(plan)
    }

    private func norm(_ plan: ModelPlan.Norm) throws(ModelError) -> StepProgram.Norm {
        switch plan {
        case .rootMeanSquare(let weight): .rootMeanSquare(try loader.vector(weight))
        case .layer(let weight, let bias):
            .layer(try loader.vector(weight), bias: try vector(bias))
        }
    }

    private func weight(_ plan: ModelPlan.Weight) throws(ModelError) -> StepProgram.Weight {
        StepProgram.Weight(
            try loader.matrix(plan.matrix),
            bias: try vector(plan.bias),
            place: targets.place(of: plan.matrix),
            order: loader.columnOrder(plan.matrix)
        )
    }

    private func matrix(_ rows: TensorRows?) throws(ModelError) -> PackedMatrix? {
        guard let rows else { return nil }
        return try loader.matrix(rows)
    }

    private func vector(_ rows: TensorRows?) throws(ModelError) -> FloatVector? {
        guard let rows else { return nil }
        return try loader.vector(rows)
    }
}

extension ModelPlan {
    /// The dimensions of the program.
    func shape(_ output: Transformer.Output) -> StepProgram.Shape {
        var shape = StepProgram.Shape(
            embeddingLength: configuration.embeddingLength,
            headCount: configuration.headCount,
            keyValueHeadCount: configuration.keyValueHeadCount,
            headDimension: configuration.headDimension,
            feedForwardLength: denseLength,
            vocabularySize: configuration.vocabularySize,
            normEpsilon: configuration.normEpsilon,
            maximumRowCount: Transformer.maximumBatchTokenCount
        )
        shape.hasLogits = output == .logits && head != nil
        // A vector is the sum of what its text's tokens lose; a text's next token is chosen among
        // few.
        shape.refinesInputs = configuration.isEncoder
        for case .experts(let experts) in layers.map(\.feedForward) {
            shape.experts = experts.shape
        }
        return shape
    }

    /// The widest feed-forward that every row passes.
    private var denseLength: Int {
        layers.map { layer in
            switch layer.feedForward {
            case .dense(let dense): dense.down.matrix.columnCount
            case .experts(let experts): experts.shared?.down.matrix.columnCount ?? 0
            }
        }.max() ?? 0
    }
}

import CKernels

/// What layers are made of.
extension StepProgram {
    /// A product's weights: a packed matrix `[out, in]` and an optional bias `[out]`.
    package struct Weight {
        /// The matrix.
        package var matrix: PackedMatrix
        /// What is added to every output row, or nil.
        package var bias: FloatVector?
        /// Where adapters have what they add to the product; nil: they leave it alone.
        package var place: Int?
        /// Which input each column of a quantised matrix is for; nil: its own.
        ///
        /// The quantised ones of weights that a step multiplies with the same input have the same.
        package var order: ColumnOrder?

        /// A weight.
        package init(
            _ matrix: PackedMatrix,
            bias: FloatVector? = nil,
            place: Int? = nil,
            order: ColumnOrder? = nil
        ) {
            self.matrix = matrix
            self.bias = bias
            self.place = place
            self.order = order
        }
    }

    /// How rows are normalised.
    package enum Norm {
        /// By their root mean square.
        case rootMeanSquare(FloatVector)
        /// By their mean and standard deviation.
        case layer(FloatVector, bias: FloatVector?)
    }

    /// How a branch's output joins the residual stream: `norm(x + scale * branchNorm(branch))`.
    package struct Join {
        /// Of the branch; nil: none.
        package var branchNorm: Norm?
        /// Of the branch, normalised or not.
        package var scale: Float
        /// Of the sum; nil: none.
        package var norm: Norm?

        /// A plain addition unless said otherwise.
        package init(branchNorm: Norm? = nil, scale: Float = 1, norm: Norm? = nil) {
            self.branchNorm = branchNorm
            self.scale = scale
            self.norm = norm
        }

        var isPlain: Bool { branchNorm == nil && scale == 1 && norm == nil }
    }

    /// What stands between the products of a feed-forward layer.
    package enum Activation: Sendable, Hashable {
        /// x σ(x).
        case silu
        /// x Φ(x), by the error function.
        case gelu
        /// x Φ(x), by the usual approximation with tanh.
        case geluTanh
        /// x σ(1.702 x) with x at most 7, times one plus the other operand within ±7.
        case clamped

        var cValue: torii_activation {
            switch self {
            case .silu: TORII_ACTIVATION_SILU
            case .gelu: TORII_ACTIVATION_GELU
            case .geluTanh: TORII_ACTIVATION_GELU_TANH
            case .clamped: TORII_ACTIVATION_CLAMPED
            }
        }
    }

    /// Which positions of its sequence a row sees: its own, and this many before and after.
    ///
    /// With positions after its own, the whole sequence must be one entry of a batch.
    package struct Visibility: Sendable, Hashable {
        /// Positions before.
        package var before: Int
        /// Positions after.
        package var after: Int

        /// Everything up to the row's own position.
        package static let causal = Visibility(before: Int(Int32.max), after: 0)
        /// The whole sequence.
        package static let everything = Visibility(before: Int(Int32.max), after: Int(Int32.max))

        /// The last `length` positions up to the row's own.
        package static func window(_ length: Int) -> Visibility {
            Visibility(before: length - 1, after: 0)
        }

        /// Positions no further away than `distance`.
        package static func within(_ distance: Int) -> Visibility {
            Visibility(before: distance, after: distance)
        }
    }

    /// Scores of attention beyond the product of query and key.
    package struct Scoring {
        /// What queries are multiplied with.
        package var queryScale: Float
        /// Scores s become `softCap * tanh(s / softCap)`; nil: they stay.
        package var softCap: Float?
        /// `[H]`: the score of a key without a value; nil: there is none.
        package var sinks: FloatVector?
        /// `[H]`: what a unit of distance costs; nil: nothing.
        package var slopes: FloatVector?

        /// Scores by the product alone unless said otherwise.
        package init(
            queryScale: Float,
            softCap: Float? = nil,
            sinks: FloatVector? = nil,
            slopes: FloatVector? = nil
        ) {
            self.queryScale = queryScale
            self.softCap = softCap
            self.sinks = sinks
            self.slopes = slopes
        }
    }

    /// A norm of queries or keys, before the rotation.
    package enum HeadNorm {
        /// Of each head alone, weights `[D]`.
        case each(Norm)
        /// Of all heads together, weights `[H D]` or `[K D]`.
        case together(Norm)

        var ofEach: Norm? {
            if case .each(let norm) = self { norm } else { nil }
        }

        var ofAll: Norm? {
            if case .together(let norm) = self { norm } else { nil }
        }
    }

    /// One layer's attention.
    package struct Attention {
        /// The index in the KV cache.
        package var layer: Int
        /// Of the residual stream; nil: none.
        package var norm: Norm?
        /// `[H D, E]`.
        package var query: Weight
        /// `[K D, E]`.
        package var key: Weight
        /// `[K D, E]`.
        package var value: Weight
        /// `[E, H D]`.
        package var output: Weight
        /// Nil: queries stay as they are.
        package var queryNorm: HeadNorm?
        /// Nil: keys stay as they are.
        package var keyNorm: HeadNorm?
        /// The index of the rotary table; nil: no rotation.
        package var rotary: Int?
        /// Who sees what.
        package var visibility: Visibility
        /// How scores come about.
        package var scoring: Scoring
        /// How the output joins the residual stream.
        package var join: Join

        /// Causal attention with rotary table 0, unless changed later.
        package init(
            layer: Int,
            norm: Norm?,
            query: Weight,
            key: Weight,
            value: Weight,
            output: Weight,
            queryScale: Float
        ) {
            self.layer = layer
            self.norm = norm
            self.query = query
            self.key = key
            self.value = value
            self.output = output
            rotary = 0
            visibility = .causal
            scoring = Scoring(queryScale: queryScale)
            join = Join()
        }
    }

    /// One layer's feed-forward.
    package struct FeedForward {
        /// Of the residual stream; nil: none.
        package var norm: Norm?
        /// `[F, E]`, what the activation gets.
        package var gate: Weight
        /// `[F, E]`, what the activation's result is multiplied with; nil: nothing.
        package var up: Weight?
        /// `[E, F]`.
        package var down: Weight
        /// Between the products.
        package var activation: Activation
        /// How the output joins the residual stream.
        package var join: Join

        /// A feed-forward that is added to the residual stream, unless changed later.
        package init(norm: Norm?, gate: Weight, up: Weight?, down: Weight, activation: Activation) {
            self.norm = norm
            self.gate = gate
            self.up = up
            self.down = down
            self.activation = activation
            join = Join()
        }
    }
}

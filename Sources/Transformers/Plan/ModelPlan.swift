import Kernels
import ModelFiles

/// What the forward pass of one file's model consists of: which tensors, how they are joined, in
/// which order.
///
/// Made by an architecture, before any weight is read. Everything else follows from it: the memory that the model will take, and its step program.
struct ModelPlan {
    var configuration: ModelConfiguration
    /// The rotary tables that layers choose from.
    var rotaries: [Rotary] = []
    var embedding: Embedding
    var layers: [Layer] = []
    /// Nil: none.
    var outputNorm: Norm?
    /// Nil: the model has no logits.
    var head: Head?
    /// What makes a score of pooled hidden states; nil: nothing does.
    var pooledHead: PooledHead.Tensors?

    /// A matrix and its bias.
    struct Weight {
        var matrix: TensorRows
        var bias: TensorRows?
    }

    enum Norm {
        case rootMeanSquare(TensorRows)
        case layer(TensorRows, bias: TensorRows?)

        var vectors: [TensorRows] {
            switch self {
            case .rootMeanSquare(let weight): [weight]
            case .layer(let weight, let bias): [weight] + (bias.map { [$0] } ?? [])
            }
        }
    }

    /// The first step: what a token, at its position, starts as.
    struct Embedding {
        /// `[V, E]`.
        var table: TensorRows
        var scale: Float = 1
        /// `[positions, E]`, added; nil: nothing.
        var positions: TensorRows?
        /// `[E]`, added; nil: nothing.
        var constant: TensorRows?
        /// Of the sum; nil: none.
        var norm: Norm?
    }

    /// From the last hidden state to the logits.
    struct Head {
        /// `[V, E]`; nil: the embedding's table.
        var matrix: TensorRows?
        /// `[V]`; nil: none.
        var bias: TensorRows?
        var scale: Float = 1
        /// Logits x become `cap * tanh(x / cap)`; nil: they stay.
        var cap: Float?
    }

    struct Layer {
        var attention: Attention
        var feedForward: Inner
        /// Both read the residual stream as it was before the layer.
        var isParallel = false

        init(attention: Attention, feedForward: FeedForward, isParallel: Bool = false) {
            self.attention = attention
            self.feedForward = .dense(feedForward)
            self.isParallel = isParallel
        }

        init(attention: Attention, experts: Experts) {
            self.attention = attention
            feedForward = .experts(experts)
        }

        enum Inner {
            case dense(FeedForward)
            case experts(Experts)
        }
    }

    /// How a branch's output joins the residual stream: `norm(x + scale * branchNorm(branch))`.
    struct Join {
        var branchNorm: Norm?
        var scale: Float = 1
        var norm: Norm?
    }

    /// A norm of queries or keys, before the rotation.
    enum HeadNorm {
        /// Of each head alone, `[D]`.
        case each(Norm)
        /// Of all heads together.
        case together(Norm)

        var norm: Norm {
            switch self {
            case .each(let norm), .together(let norm): norm
            }
        }
    }

    struct Attention {
        /// Of the residual stream; nil: none.
        var norm: Norm?
        var query: Weight
        var key: Weight
        var value: Weight
        var output: Weight
        var queryNorm: HeadNorm?
        var keyNorm: HeadNorm?
        /// The index of the rotary table; nil: no rotation.
        var rotary: Int? = 0
        var visibility = StepProgram.Visibility.causal
        /// What queries are multiplied with.
        var queryScale: Float
        var softCap: Float?
        /// `[H]`: the score of a key without a value; nil: there is none.
        var sinks: TensorRows?
        /// `[H]`: what a unit of distance costs; nil: nothing.
        var slopes: [Float]?
        var join = Join()
    }

    struct FeedForward {
        /// Of the residual stream; nil: none.
        var norm: Norm?
        /// What the activation gets.
        var gate: Weight
        /// What the activation's result is multiplied with; nil: nothing.
        var up: Weight?
        var down: Weight
        var activation: StepProgram.Activation
        var join = Join()
    }

    /// A feed-forward by a few of many experts for each row; all experts' rows lie in one matrix.
    struct Experts {
        var shape: StepProgram.ExpertShape
        var norm: Norm
        var router: Weight
        var gate: Weight
        var up: Weight
        var down: Weight
        var activation: StepProgram.Activation
        var shared: SharedExpert?
    }

    /// An expert that every row passes.
    struct SharedExpert {
        var gate: Weight
        var up: Weight
        var down: Weight
        /// `[1, E]`: the output is multiplied with σ of its product.
        var opening: Weight
    }
}

/// What the files of an architecture hold besides, or instead of, what llama's do.
package struct TinyArchitecture: Sendable {
    /// Which products have biases.
    package enum Biases: Sendable {
        case none
        /// Queries, keys and values.
        case heads
        case all
    }

    /// Norms of queries and keys.
    package enum HeadNorms: Sendable {
        case none
        /// Of each head alone.
        case each
        /// Of all heads together.
        case together
    }

    /// A router's experts, in place of the feed-forward.
    package struct Experts: Sendable {
        package var count = 4
        package var usedCount = 2
        package var length = 96
        /// The width of an expert that every token passes; 0: there is none.
        package var sharedLength = 0
    }

    package var hasLayerNorms = false
    package var biases = Biases.none
    package var headNorms = HeadNorms.none
    /// `attn_qkv`, and gate and up in `ffn_up`.
    package var isFused = false
    package var hasGate = true
    /// The norm before the branches, and the one before the feed-forward.
    package var hasAttentionNorm = true
    package var feedForwardNorm: String? = "ffn_norm"
    /// Norms behind the branches.
    package var hasBranchNorms = false
    package var hasSinks = false
    package var hasHeadBias = false
    package var experts: Experts?
    /// Keys without the architecture's prefix.
    package var keys: [(String, GGUFWriter.Value)] = []

    /// What `name`'s files hold; of an unknown name, what llama's do.
    package static func named(_ name: String) -> TinyArchitecture {
        all.first { $0.0 == name }?.1 ?? TinyArchitecture()
    }

    /// The architectures, each with an unusual value for each of its keys.
    package static let all: [(String, TinyArchitecture)] = [
        ("llama", TinyArchitecture()),
        ("mistral3", mistral3), ("smollm3", TinyArchitecture()), ("granite", granite),
        ("qwen2", TinyArchitecture(biases: .heads)), ("qwen3", TinyArchitecture(headNorms: .each)),
        ("gemma", TinyArchitecture()), ("gemma2", gemma2), ("gemma3", gemma3),
        ("phi2", phi2), ("phi3", TinyArchitecture(isFused: true)), ("olmo2", olmo2),
        ("stablelm", stableLM), ("starcoder2", starCoder2), ("qwen2moe", qwen2Experts),
        ("qwen3moe", TinyArchitecture(headNorms: .each, experts: Experts(count: 5, usedCount: 3))),
        ("gpt-oss", gptOSS),
    ]

    private static let yarn: [(String, GGUFWriter.Value)] = [
        ("rope.scaling.type", .string("yarn")),
        ("rope.scaling.factor", .float32(4)),
        ("rope.scaling.original_context_length", .uint32(24)),
        ("rope.scaling.yarn_beta_fast", .float32(2)),
        ("rope.scaling.yarn_beta_slow", .float32(0.1)),
    ]

    private static let mistral3 = TinyArchitecture(
        keys: yarn + [
            ("rope.scaling.yarn_log_multiplier", .float32(0.7)),
            ("attention.temperature_scale", .float32(0.4)),
        ]
    )

    private static let granite = TinyArchitecture(keys: [
        ("embedding_scale", .float32(3)), ("residual_scale", .float32(0.6)),
        ("attention.scale", .float32(0.2)), ("logit_scale", .float32(2)),
    ])

    private static let gemma2 = TinyArchitecture(
        hasBranchNorms: true,
        keys: [
            ("attention.sliding_window", .uint32(9)),
            ("attn_logit_softcapping", .float32(2)),
            ("final_logit_softcapping", .float32(3)),
        ]
    )

    private static let gemma3 = TinyArchitecture(
        headNorms: .each,
        hasBranchNorms: true,
        keys: [
            ("attention.sliding_window", .uint32(9)),
            ("attention.sliding_window_pattern", .uint32(2)),
            ("rope.freq_base_swa", .float32(500)),
        ]
    )

    private static let phi2 = TinyArchitecture(
        hasLayerNorms: true,
        biases: .all,
        isFused: true,
        hasGate: false,
        feedForwardNorm: nil,
        hasHeadBias: true
    )

    private static let olmo2 = TinyArchitecture(
        headNorms: .together,
        hasAttentionNorm: false,
        feedForwardNorm: nil,
        hasBranchNorms: true
    )

    private static let stableLM = TinyArchitecture(hasLayerNorms: true, biases: .heads)

    private static let starCoder2 = TinyArchitecture(
        hasLayerNorms: true,
        biases: .all,
        hasGate: false
    )

    private static let qwen2Experts = TinyArchitecture(
        biases: .heads,
        experts: Experts(count: 4, usedCount: 2, length: 96, sharedLength: 160)
    )

    private static let gptOSS = TinyArchitecture(
        biases: .all,
        feedForwardNorm: "post_attention_norm",
        hasSinks: true,
        experts: Experts(),
        keys: yarn + [("attention.sliding_window", .uint32(9))]
    )
}

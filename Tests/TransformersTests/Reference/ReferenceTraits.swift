import Foundation

/// What the reference knows of an architecture that its files do not say.
struct ReferenceTraits {
    let name: String

    init(_ name: String) { self.name = name }

    private func isOne(of names: String...) -> Bool { names.contains(name) }

    var hasLayerNorms: Bool { isOne(of: "phi2", "stablelm", "starcoder2") }
    var pairsNeighbours: Bool { isOne(of: "llama", "mistral3", "smollm3", "granite") }
    var scalesEmbedding: Bool { isOne(of: "gemma", "gemma2", "gemma3") }
    var isParallel: Bool { name == "phi2" }
    var isGateFused: Bool { name == "phi3" }
    /// The norm before the feed-forward.
    var innerNorm: String { name == "gpt-oss" ? "post_attention_norm" : "ffn_norm" }
    var scalesWindowedRotation: Bool { !isOne(of: "gemma3", "olmo2") }
    var roundsYarn: Bool { name != "gpt-oss" }
    /// Whether the weights of a row's experts sum to one.
    var normalisesExperts: Bool { name != "qwen2moe" }

    func isRotated(_ layer: Int) -> Bool { name != "smollm3" || layer % 4 != 3 }

    /// With the windows that the tiny files state.
    func isWindowed(_ layer: Int) -> Bool {
        isOne(of: "gemma2", "gemma3", "gpt-oss") && layer % 2 == 0
    }

    func activated(_ x: Double) -> Double {
        switch name {
        case "gemma", "gemma2", "gemma3", "phi2", "starcoder2":
            x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) / 2
        default: x / (1 + exp(-x))
        }
    }

    func gated(_ gate: Double, _ up: Double) -> Double {
        guard name == "gpt-oss" else { return activated(gate) * up }
        let low = min(gate, 7)
        return low / (1 + exp(-1.702 * low)) * (min(max(up, -7), 7) + 1)
    }
}

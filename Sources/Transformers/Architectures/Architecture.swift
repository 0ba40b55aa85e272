import ModelFiles

/// A family of models: what its files hold and what its forward pass is.
///
/// One file of this folder for each; `BlockReader` has what most of them share. README's "Adding a
/// model" tells how to add one.
protocol Architecture {
    /// `general.architecture` of its files.
    static var name: String { get }

    /// What the forward pass of the file's model consists of.
    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan
}

/// The architectures that this engine knows.
enum Architectures {
    static var all: [any Architecture.Type] {
        [
            Bert.self, Gemma.self, Gemma2.self, Gemma3.self, GemmaEmbedding.self,
            GptOSS.self, Granite.self, JinaBertV2.self, Llama.self, Mistral3.self, ModernBert.self,
            NomicBert.self, Olmo2.self,
            Phi2.self, Phi3.self, Qwen2.self, Qwen2Experts.self, Qwen3.self, Qwen3Experts.self,
            SmolLM3.self, StableLM.self, StarCoder2.self,
        ]
    }
}

extension ModelPlan {
    /// Reads the hyper-parameters of an open file and finds its tensors; reads no weights.
    ///
    /// - Throws: `ModelError` naming the key or tensor at fault.
    init(_ file: GGUFFile) throws(ModelError) {
        if (try? file.metadata.string("general.type")) == "adapter" { throw .adapter }
        guard let architecture = Architectures.all.first(where: { $0.name == file.architecture })
        else {
            throw .unsupportedArchitecture(
                file.architecture,
                supported: Architectures.all.map { $0.name }.sorted()
            )
        }
        let reader = ModelReader(file)
        self = try architecture.plan(reader)
        configuration.hasKeyBiases = layers.contains { $0.attention.key.bias != nil }
        try reader.checkNothingIsLeft()
        try reader.checkExperts(layers)
    }
}

import FoundationEssentials

/// The files of a folder as Hugging Face lays it out: `config.json`, `tokenizer.json`, and weights in
/// safetensors.
///
/// Reads the directory and the files' sizes only.
struct ModelFolderFiles: Hashable {
    /// The files that a worker needs, by their names within the folder.
    let names: [String]
    /// Size of the weights, in bytes.
    let byteCount: Int
    /// When the weights last changed, in seconds since 1970.
    let modificationTime: Int

    /// What says something about the model beside its weights, and small weights of their own.
    private static let descriptionNames = [
        "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
        "chat_template.jinja", "1_Pooling/config.json", "model.safetensors.index.json",
        "2_Dense/model.safetensors", "3_Dense/model.safetensors",
    ]

    /// The files of a folder; nil if it is none of a model.
    init?(_ path: String) {
        guard FileFacts(path: "\(path)/config.json")?.isDirectory == false,
            let all = try? FileManager.default.contentsOfDirectory(atPath: path)
        else { return nil }
        let weights = all.filter(Self.holdsWeights).sorted()
        guard !weights.isEmpty else { return nil }
        let facts = weights.compactMap { FileFacts(path: "\(path)/\($0)") }
        names =
            Self.descriptionNames.filter { FileFacts(path: "\(path)/\($0)") != nil } + weights
        byteCount = facts.reduce(0) { $0 + $1.byteCount }
        modificationTime = facts.map(\.modificationTime).max() ?? 0
    }

    /// `model.safetensors` or `model-00001-of-00003.safetensors`: other files are the same weights in
    /// other programs' layouts.
    private static func holdsWeights(_ name: String) -> Bool {
        name.hasSuffix(".safetensors") && (name == "model.safetensors" || name.hasPrefix("model-"))
    }
}

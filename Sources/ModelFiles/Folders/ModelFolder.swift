import JSON
import Platform

/// A folder as Hugging Face lays it out: `config.json`, `tokenizer.json`, weights in safetensors.
///
/// It presents itself as the GGUF file that llama.cpp's converter would make of it: the same keys, the
/// same tensors.
enum ModelFolder {
    /// Files that say something about the model, those that must be there first.
    static let descriptionNames = [
        "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
        "chat_template.jinja", "1_Pooling/config.json", indexName,
    ]
    /// Products behind the pooling, as sentence-transformers lays them out.
    static let denseNames = ["2_Dense/model.safetensors", "3_Dense/model.safetensors"]
    static let indexName = "model.safetensors.index.json"
    static let weightsName = "model.safetensors"

    /// Opens a file of the folder by its name; nil if it isn't there.
    typealias Opener = (_ name: String) throws(GGUFError) -> OpenFile?

    /// Opens the folder at `path`.
    static func open(
        path: String,
        opener: Opener
    ) throws(GGUFError) -> (
        metadata: GGUFMetadata, tensors: [GGUFTensor], storage: FolderStorage
    ) {
        var descriptions: [String: OpenFile] = [:]
        for name in descriptionNames {
            if let file = try opener(name) { descriptions[name] = file }
        }
        func json(_ name: String) throws(GGUFError) -> FolderConfiguration? {
            guard let file = descriptions[name] else { return nil }
            return try FolderConfiguration(
                path: file.path,
                bytes: try file.contents(maximumByteCount: 16 << 20)
            )
        }
        guard let whole = try json("config.json") else {
            throw missing("config.json", path)
        }
        let (family, configuration) = try FolderFamily.find(whole)
        guard let tokenizerFile = descriptions["tokenizer.json"] else {
            throw missing("tokenizer.json", path)
        }
        let quantization = try FolderQuantization(whole)
        let metadata = FolderMetadata(
            configuration: configuration,
            family: family,
            quantization: quantization,
            pooling: try json("1_Pooling/config.json"),
            name: path.split(separator: "/").last.map(String.init) ?? family.rawValue
        )
        var files = try weightFiles(try json(indexName), path: path, opener: opener)
        var stored: [[SafetensorsFile.Tensor]] = []
        for file in files { stored.append(try tensors(of: file)) }
        for dense in try denseFiles(family, whole, opener: opener) {
            files.append(dense.file)
            stored.append(dense.tensors)
        }
        let tensors = try FolderTensors(stored, metadata: metadata, path: path) {
            part throws(GGUFError) in
            try files[part.file].bytes(part.tensor.range)
        }
        let vocabulary = FolderVocabulary(
            file: try FolderConfiguration(
                path: tokenizerFile.path,
                bytes: try tokenizerFile.contents(
                    maximumByteCount: FolderVocabulary.limits.maximumByteCount
                ),
                limits: FolderVocabulary.limits
            ),
            settings: try json("tokenizer_config.json"),
            generation: try json("generation_config.json"),
            configuration: configuration,
            chatTemplate: try descriptions["chat_template.jinja"].map { file throws(GGUFError) in
                String(decoding: try file.contents(maximumByteCount: 4 << 20), as: UTF8.self)
            },
            rowCount: try rowCount(tensors, path: path)
        )
        let entries = try metadata.entries() + vocabulary.entries() + denseEntries(tensors)
        return (
            try GGUFMetadata(path: path, entries),
            tensors.tensors,
            FolderStorage(
                files: files,
                descriptions: Array(descriptions.values),
                recipes: tensors.recipes
            )
        )
    }

    /// Rows of the embedding.
    private static func rowCount(_ tensors: FolderTensors, path: String) throws(GGUFError) -> Int {
        let embedding = tensors.tensors.first { $0.name == "token_embd.weight" }
        guard let embedding, embedding.dimensions.count == 2, embedding.dimensions[1] > 0,
            embedding.dimensions[1] <= FolderVocabulary.maximumTokenCount
        else {
            throw GGUFError(
                path: path,
                problem: .invalidFolder(reason: "has weights without a usable embedding")
            )
        }
        return embedding.dimensions[1]
    }

    /// The files that hold the weights: those that the index names, or the only one.
    private static func weightFiles(
        _ index: FolderConfiguration?,
        path: String,
        opener: Opener
    ) throws(GGUFError) -> [OpenFile] {
        var names = [weightsName]
        if let index {
            guard let map = index.section("weight_map")?.value.objectValue else {
                throw index.refusal("lacks \"weight_map\"")
            }
            names = Set(map.values.compactMap(\.stringValue)).sorted()
            // Only files of this very folder.
            let isPlain = names.allSatisfy {
                $0.hasSuffix(".safetensors") && !$0.contains("/") && !$0.hasPrefix(".")
            }
            guard isPlain, !names.isEmpty, names.count <= GGUFLimits.standard.maximumPartCount
            else {
                throw index.refusal("names no usable files")
            }
        }
        var files: [OpenFile] = []
        for name in names {
            guard let file = try opener(name) else { throw missing(name, path) }
            files.append(file)
        }
        return files
    }

    /// The widths of products behind the pooling.
    private static func denseEntries(
        _ folder: FolderTensors
    ) -> [(key: String, value: GGUFValue)] {
        ["dense_2", "dense_3"].flatMap { name -> [(key: String, value: GGUFValue)] in
            guard let tensor = folder.tensors.first(where: { $0.name == "\(name).weight" }),
                tensor.dimensions.count == 2
            else { return [] }
            let prefix = "\(FolderFamily.gemmaEmbedding.architecture).\(name)_feat"
            return [
                ("\(prefix)_in", .uint32(UInt32(clamping: tensor.dimensions[0]))),
                ("\(prefix)_out", .uint32(UInt32(clamping: tensor.dimensions[1]))),
            ]
        }
    }

    /// Products behind the pooling, whose tensors are named after their folders.
    private static func denseFiles(
        _ family: FolderFamily,
        _ configuration: FolderConfiguration,
        opener: Opener
    ) throws(GGUFError) -> [(file: OpenFile, tensors: [SafetensorsFile.Tensor])] {
        var files: [(file: OpenFile, tensors: [SafetensorsFile.Tensor])] = []
        for name in denseNames {
            guard let file = try opener(name) else { continue }
            guard family == .gemmaEmbedding else {
                throw configuration.refusal(
                    "has products behind its pooling, \(name), which models of the type "
                        + "\(family.rawValue) can't be served with"
                )
            }
            let folder = name.prefix { $0 != "/" }
            var tensors = try tensors(of: file)
            for index in tensors.indices {
                tensors[index].name = "\(folder).\(tensors[index].name)"
            }
            files.append((file, tensors))
        }
        return files
    }

    private static func tensors(of file: OpenFile) throws(GGUFError) -> [SafetensorsFile.Tensor] {
        try SafetensorsFile(path: file.path, byteCount: file.byteCount) {
            range throws(GGUFError) in try file.bytes(range)
        }
        .tensors
    }

    private static func missing(_ name: String, _ path: String) -> GGUFError {
        GGUFError(
            path: path,
            problem: .invalidFolder(
                reason:
                    "has no \(name). A folder needs config.json, tokenizer.json and its weights "
                    + "in safetensors, model.safetensors or parts with model.safetensors.index.json"
            )
        )
    }
}

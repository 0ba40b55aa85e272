import JSON
import Tensors

/// An adapter's folder as PEFT lays it out: `adapter_config.json` and `adapter_model.safetensors`.
///
/// It presents itself as the GGUF file that llama.cpp's convert_lora_to_gguf.py would make of it: the
/// same keys, the same tensors. What the model's own weights would have to be changed for (DoRA,
/// trained biases, whole layers saved with the adapter) is refused.
enum AdapterFolder {
    static let configurationName = "adapter_config.json"
    static let weightsName = "adapter_model.safetensors"

    /// Opens the folder at `path`, whose adapter is for `base`.
    static func open(
        path: String,
        base: AdapterBase,
        opener: ModelFolder.Opener
    ) throws(GGUFError) -> GGUFFile {
        guard let description = try opener(configurationName) else {
            throw missing(configurationName, path)
        }
        let configuration = try FolderConfiguration(
            path: description.path,
            bytes: try description.contents(maximumByteCount: 1 << 20)
        )
        let alpha = try alpha(configuration)
        guard let file = try opener(weightsName) else { throw missing(weightsName, path) }
        let family = FolderFamily(rawValue: base.architecture)
        guard let family else {
            throw configuration.refusal(
                "is for a model of architecture '\(base.architecture)', whose adapters cannot be "
                    + "read from folders; convert it with llama.cpp's convert_lora_to_gguf.py"
            )
        }
        let stored = try SafetensorsFile(path: file.path, byteCount: file.byteCount) {
            range throws(GGUFError) in try file.bytes(range)
        }
        var tensors: [GGUFTensor] = []
        var recipes: [FolderTensors.Recipe] = []
        for tensor in stored.tensors {
            let name = try name(of: tensor, in: family, path: file.path)
            var recipe = FolderTensors.Recipe(source: .stored(tensor, file: 0))
            if family.pairsNeighbours, name.hasSuffix(".lora_b"), FolderTensors.isRotated(name) {
                let rows = tensor.shape.first ?? 0
                guard rows > 0, rows.isMultiple(of: base.headDimension) else {
                    throw refusal(
                        tensor.name,
                        "has \(rows) rows, no multiple of a head's \(base.headDimension)",
                        file.path
                    )
                }
                recipe.headRowCount = base.headDimension
            }
            tensors.append(
                GGUFTensor(
                    name: name,
                    type: tensor.type,
                    dimensions: tensor.shape.reversed(),
                    byteCount: tensor.byteCount,
                    partIndex: recipes.count,
                    fileOffset: 0
                )
            )
            recipes.append(recipe)
        }
        return try GGUFFile(
            metadata: GGUFMetadata(
                path: path,
                [
                    ("general.architecture", .string(base.architecture)),
                    ("general.type", .string("adapter")),
                    ("adapter.type", .string("lora")),
                    ("adapter.lora.alpha", .float32(Float(alpha))),
                ]
            ),
            tensors: tensors,
            storage: FolderStorage(files: [file], descriptions: [description], recipes: recipes)
        )
    }

    /// What divided by a pair's rank gives its scale, after a look at what else is asked for.
    private static func alpha(_ configuration: FolderConfiguration) throws(GGUFError) -> Double {
        let kind = configuration.string("peft_type") ?? "LORA"
        guard kind == "LORA" else {
            throw configuration.refusal("is an adapter of the kind \(kind); LORA is supported")
        }
        for (key, what) in [
            ("use_dora", "DoRA"), ("fan_in_fan_out", "transposed weights"),
            ("lora_bias", "biases of its factors"), ("use_qalora", "QALoRA"),
        ] where configuration.flag(key) == true {
            throw configuration.refusal("asks for \(what) (\"\(key)\"), which is not supported")
        }
        if let bias = configuration.string("bias"), bias != "none" {
            throw configuration.refusal(
                "has trained biases (\"bias\": \"\(bias)\"), "
                    + "which are not supported"
            )
        }
        for key in [
            "modules_to_save", "layer_replication", "trainable_token_indices", "alpha_pattern",
            "target_parameters", "alora_invocation_tokens",
        ] where !isEmpty(configuration.value[key]) {
            throw configuration.refusal("has \"\(key)\", which is not supported")
        }
        // These begin with changed weights of the model.
        if let start = configuration.string("init_lora_weights"),
            ["pissa", "olora", "corda", "loftq"].contains(where: start.lowercased().hasPrefix)
        {
            throw configuration.refusal(
                "was trained beside changed weights of the model (\"init_lora_weights\": "
                    + "\"\(start)\"); convert it to a plain LoRA adapter with PEFT"
            )
        }
        let rank = try configuration.required("r")
        let alpha = try configuration.double("lora_alpha") ?? Double(rank)
        guard alpha.isFinite, alpha != 0 else {
            throw configuration.refusal("has a \"lora_alpha\" of \(alpha)")
        }
        guard configuration.flag("use_rslora") == true else { return alpha }
        guard isEmpty(configuration.value["rank_pattern"]) else {
            throw configuration.refusal(
                "has both \"use_rslora\" and \"rank_pattern\", which is not supported"
            )
        }
        // Its scale is alpha by the root of the rank.
        return alpha * Double(rank).squareRoot()
    }

    private static func isEmpty(_ value: JSONValue?) -> Bool {
        guard let value, !value.isNull else { return true }
        if let array = value.arrayValue { return array.isEmpty }
        if let object = value.objectValue { return object.isEmpty }
        return false
    }

    /// The GGUF name of a factor.
    private static func name(
        of tensor: SafetensorsFile.Tensor,
        in family: FolderFamily,
        path: String
    ) throws(GGUFError) -> String {
        let prefix = "base_model.model."
        let suffixes = [".lora_A.weight": ".lora_a", ".lora_B.weight": ".lora_b"]
        guard tensor.name.hasPrefix(prefix),
            let (suffix, factor) = suffixes.first(where: { tensor.name.hasSuffix($0.key) })
        else {
            throw refusal(
                tensor.name,
                "is no factor of a LoRA adapter; "
                    + "lora_A.weight and lora_B.weight of linear layers are supported",
                path
            )
        }
        guard [.f32, .f16, .bf16].contains(tensor.type), tensor.shape.count == 2 else {
            throw refusal(
                tensor.name,
                "is of type \(tensor.type) and \(tensor.shape.count) dimensions; matrices in F32, "
                    + "F16 and BF16 can be read",
                path
            )
        }
        let module = tensor.name.dropFirst(prefix.count).dropLast(suffix.count)
        guard case .named(let name) = FolderTensorNames.place(of: "\(module).weight", in: family)
        else {
            throw refusal(
                tensor.name,
                "is not one that models of the type \(family) have",
                path
            )
        }
        return name + factor
    }

    private static func refusal(_ tensor: String, _ reason: String, _ path: String) -> GGUFError {
        GGUFError(path: path, problem: .invalidTensor(name: tensor, reason: reason))
    }

    private static func missing(_ name: String, _ path: String) -> GGUFError {
        GGUFError(
            path: path,
            problem: .invalidFolder(
                reason: "has no \(name). An adapter is a GGUF file, or a folder with "
                    + "\(configurationName) and \(weightsName)"
            )
        )
    }
}

extension GGUFFile {
    /// Opens an adapter for a model: a GGUF file, or a folder as PEFT lays it out.
    ///
    /// - Parameters:
    ///   - path: The file or folder.
    ///   - base: The model that it is for.
    /// - Returns: The adapter, as GGUF describes one.
    /// - Throws: What is wrong with it, or with what it asks for.
    package static func openAdapter(
        path: String,
        base: AdapterBase
    ) throws(GGUFError) -> GGUFFile {
        guard OpenFile.isDirectory(path) else { return try open(path: path) }
        return try AdapterFolder.open(path: path, base: base) { name throws(GGUFError) in
            try OpenFile.ifPresent(path: "\(path)/\(name)")
        }
    }

    /// Reads an adapter whose files somebody else opened, for a process that may open none.
    ///
    /// - Parameters:
    ///   - path: The file or folder, for errors.
    ///   - base: The model that it is for.
    ///   - descriptors: The files' names within the folder, the only one's empty for a GGUF file, and
    ///     descriptors open for reading; they belong to the adapter from now on.
    /// - Returns: The adapter, as GGUF describes one.
    /// - Throws: What is wrong with it, or with what it asks for.
    package static func openAdapter(
        path: String,
        base: AdapterBase,
        descriptors: [(name: String, descriptor: Int32)]
    ) throws(GGUFError) -> GGUFFile {
        if descriptors.count == 1, let only = descriptors.first, only.name.isEmpty {
            return try open(path: path, descriptors: [only.descriptor])
        }
        var files: [String: OpenFile] = [:]
        for (name, descriptor) in descriptors {
            files[name] = try OpenFile(owning: descriptor, path: "\(path)/\(name)")
        }
        return try AdapterFolder.open(path: path, base: base) { name throws(GGUFError) in
            files[name]
        }
    }
}

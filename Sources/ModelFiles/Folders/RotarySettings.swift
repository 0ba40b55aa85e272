import Glibc
import JSON

/// What `config.json` says about rotary embeddings, in its older and its newer form.
struct RotarySettings {
    /// The base of the angles.
    let base: Float?
    /// The base in layers with a window.
    let localBase: Float?
    /// How positions beyond the trained ones are treated; nil: not at all.
    let type: String?
    let longFactors: [Float]?
    let shortFactors: [Float]?
    /// Which part of a head rotates; nil: all of it.
    let partialFactor: Double?
    /// Positions that the model was trained on before its context was stretched.
    let originalContextLength: Int?
    private let section: FolderConfiguration

    init(_ configuration: FolderConfiguration) throws(GGUFError) {
        // The newer form holds everything, for each kind of layer if they differ.
        let newer = configuration.section("rope_parameters")
        let full = newer?.section("full_attention") ?? newer
        section =
            full ?? configuration.section("rope_scaling")
            ?? FolderConfiguration(path: configuration.path, value: .object([:]))
        base = try Self.number("rope_theta", full, configuration)
        localBase = try newer?.section("sliding_attention")?.double("rope_theta").map { Float($0) }
        let named = section.string("rope_type") ?? section.string("type")
        type = named == "default" ? nil : named
        partialFactor =
            try Self.number("partial_rotary_factor", configuration, section).map { Double($0) }
        let trained = "original_max_position_embeddings"
        let own = try configuration.integer(trained)
        originalContextLength = own == nil ? try section.integer(trained) : own
        longFactors = try section.doubles("long_factor")?.map { Float($0) }
        shortFactors = try section.doubles("short_factor")?.map { Float($0) }
    }

    /// A number that stands in one of two places.
    private static func number(
        _ key: String,
        _ first: FolderConfiguration?,
        _ second: FolderConfiguration
    ) throws(GGUFError) -> Float? {
        if let number = try first?.double(key) { return Float(number) }
        return try second.double(key).map { Float($0) }
    }

    /// Adds the keys of linear and yarn scaling.
    func addScaling(to keys: inout FolderMetadata.Keys) throws(GGUFError) {
        switch type {
        case nil, "llama3": return
        case "linear":
            keys.add("rope.scaling.type", .string("linear"))
            keys.add("rope.scaling.factor", .float32(try required("factor")))
        case "yarn":
            keys.add("rope.scaling.type", .string("yarn"))
            keys.add("rope.scaling.factor", .float32(try required("factor")))
            let original = try section.required("original_max_position_embeddings")
            keys.add("rope.scaling.original_context_length", .uint32(UInt32(clamping: original)))
            for (name, key) in [
                ("extrapolation_factor", "yarn_ext_factor"),
                ("attention_factor", "yarn_attn_factor"), ("beta_fast", "yarn_beta_fast"),
                ("beta_slow", "yarn_beta_slow"),
            ] {
                if let number = try section.double(name) {
                    keys.add("rope.scaling.\(key)", .float32(Float(number)))
                }
            }
        case .some(let other):
            throw section.refusal(
                "asks for positions scaled in the way \"\(other)\"; linear, yarn, llama3 and, "
                    + "for Phi-3, longrope are supported"
            )
        }
    }

    /// What each rotary angle is divided by in Llama 3.1 and later.
    ///
    /// Wavelengths up to a part of the trained context stay, those of more than another part are
    /// stretched by the whole factor, and between them the frequencies are blended.
    func llama3Factors(dimensionCount: Int) throws(GGUFError) -> [Float] {
        let base = Double(base ?? 1e4)
        let factor = Double(try required("factor"))
        let low = Double(try required("low_freq_factor"))
        let high = Double(try required("high_freq_factor"))
        let context = Double(try section.required("original_max_position_embeddings"))
        guard factor > 0, low > 0, high > low, context > 0 else {
            throw section.refusal("has rotary factors that make no sense")
        }
        return (0..<dimensionCount / 2).map { index in
            let wavelength = 2 * Double.pi * pow(base, 2 * Double(index) / Double(dimensionCount))
            if wavelength < context / high { return 1 }
            if wavelength > context / low { return Float(factor) }
            let blend = (context / wavelength - low) / (high - low)
            return Float(1 / ((1 - blend) / factor + blend))
        }
    }

    /// What attention scores are multiplied by for Phi-3's longer contexts.
    func attentionFactor(_ configuration: FolderConfiguration) throws(GGUFError) -> Float {
        let maximum = Double(try configuration.required("max_position_embeddings"))
        let trained = Double(originalContextLength ?? 0)
        guard trained > 1 else { throw section.refusal("was trained on no positions") }
        let scale = maximum / trained
        return scale > 1 ? Float((1 + log(scale) / log(trained)).squareRoot()) : 1
    }

    private func required(_ key: String) throws(GGUFError) -> Float {
        guard let number = try section.double(key) else {
            throw section.refusal("lacks \"\(key)\"")
        }
        return Float(number)
    }
}

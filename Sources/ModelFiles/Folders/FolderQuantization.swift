import JSON

/// How the matrices of a folder were quantised, as `quantization_config` in `config.json` says.
///
/// The keys are those that AutoGPTQ, GPTQModel and AutoAWQ write.
struct FolderQuantization: Sendable, Hashable {
    enum Method: String, Sendable {
        case gptq
        case awq
    }

    private static let wayOut = "Get the model in BF16, or as a GGUF file"

    let method: Method
    /// Inputs that share a scale and a zero point; nil: all of a matrix.
    let groupLength: Int?
    /// Whether all zero points are said to be 8, the middle.
    let isSymmetric: Bool
    /// What is added to a stored zero point: the first version of GPTQ's format stores one less.
    let zeroPointOffset: UInt8

    /// What people call it.
    var name: String { "\(method.rawValue.uppercased()) 4-bit" }

    /// Reads the section of a whole `config.json`; nil if it has none.
    ///
    /// - Throws: Which key asks for what can't be read.
    init?(_ configuration: FolderConfiguration) throws(GGUFError) {
        guard let section = configuration.section("quantization_config") else { return nil }
        func refusal(_ reason: String) -> GGUFError {
            configuration.refusal("has a quantization_config \(reason). \(Self.wayOut)")
        }
        let name = section.string("quant_method") ?? ""
        guard let method = Method(rawValue: name.lowercased()) else {
            throw refusal("with the quant_method \"\(name)\"; gptq and awq can be read")
        }
        guard let bits = section.value["bits"]?.intValue ?? section.value["w_bit"]?.intValue,
            bits == 4
        else { throw refusal("without \"bits\" of 4; weights of 4 bits can be read") }
        let length = section.value["group_size"] ?? section.value["q_group_size"]
        guard let length = length?.intValue, length == -1 || length > 0 else {
            throw refusal("whose \"group_size\" is neither -1 nor a length of 1 or more")
        }
        let format = Self.format(section, method).lowercased()
        switch (method, format) {
        case (.gptq, "gptq"): zeroPointOffset = 1
        case (.gptq, "gptq_v2"), (.awq, "gemm"): zeroPointOffset = 0
        default:
            throw refusal("of the format \"\(format)\"; gptq, gptq_v2 and awq's gemm can be read")
        }
        // Patterns with a minus say what was left as it was, which the tensors' names show too.
        let rules = section.section("dynamic")?.value.objectValue?.members ?? []
        if let rule = rules.first(where: { !$0.0.hasPrefix("-:") }) {
            throw refusal("that treats \"\(rule.0)\" in another way (\"dynamic\")")
        }
        self.method = method
        groupLength = length == -1 ? nil : length
        isSymmetric = method == .gptq && section.flag("sym") == true
    }

    private static func format(_ section: FolderConfiguration, _ method: Method) -> String {
        switch method {
        case .gptq: section.string("checkpoint_format") ?? section.string("format") ?? "gptq"
        case .awq: section.string("version") ?? section.string("format") ?? "gemm"
        }
    }
}

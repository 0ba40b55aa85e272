import JSON

/// How the matrices of a folder were quantised, as `quantization_config` in `config.json` says.
///
/// The keys are those that AutoGPTQ, GPTQModel, AutoAWQ and compressed-tensors write.
struct FolderQuantization: Sendable, Hashable {
    enum Method: String, Sendable, CaseIterable {
        case gptq
        case awq
        case compressedTensors = "compressed-tensors"
    }

    let method: Method
    /// Bits of a number: 4, or but with AWQ 8.
    let bitCount: Int
    /// Inputs that share a scale and a zero point; nil: all of a matrix.
    let groupLength: Int?
    /// Whether all zero points are said to be the middle, 8 or 128.
    let isSymmetric: Bool
    /// What is added to a stored zero point: the first version of GPTQ's format stores one less.
    let zeroPointOffset: UInt8

    /// What people call it.
    var name: String {
        method == .compressedTensors
            ? "\(method.rawValue) \(bitCount)-bit"
            : "\(method.rawValue.uppercased()) \(bitCount)-bit"
    }
    /// Numbers in a stored word of 32 bits.
    var wordLength: Int { 32 / bitCount }
    /// The number in the middle.
    var middle: UInt8 { 1 << (bitCount - 1) }
    /// The bits of a number.
    var mask: UInt32 { (1 << bitCount) - 1 }
}

extension FolderQuantization {
    private static let wayOut = "Get the model in BF16, or as a GGUF file"

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
            throw refusal(
                "with the quant_method \"\(name)\"; gptq, awq and compressed-tensors can be read"
            )
        }
        if method == .compressedTensors {
            do throws(Unreadable) {
                self = try Self.compressedTensors(section)
            } catch {
                throw refusal(error.reason)
            }
            return
        }
        guard let bits = section.value["bits"]?.intValue ?? section.value["w_bit"]?.intValue,
            bits == 4 || bits == 8 && method == .gptq
        else {
            throw refusal(
                "without \"bits\" of 4; weights of 4 bits, and GPTQ's of 8, can be read"
            )
        }
        let length = section.value["group_size"] ?? section.value["q_group_size"]
        guard let length = length?.intValue, length == -1 || length > 0 else {
            throw refusal("whose \"group_size\" is neither -1 nor a length of 1 or more")
        }
        let format = Self.format(section, method).lowercased()
        guard
            ["gptq", "gptq_v2"].contains(format) && method == .gptq
                || format == "gemm" && method == .awq
        else {
            throw refusal("of the format \"\(format)\"; gptq, gptq_v2 and awq's gemm can be read")
        }
        // Patterns with a minus say what was left as it was, which the tensors' names show too.
        let rules = section.section("dynamic")?.value.objectValue?.members ?? []
        if let rule = rules.first(where: { !$0.0.hasPrefix("-:") }) {
            throw refusal("that treats \"\(rule.0)\" in another way (\"dynamic\")")
        }
        self.init(
            method: method,
            bitCount: bits,
            groupLength: length == -1 ? nil : length,
            isSymmetric: method == .gptq && section.flag("sym") == true,
            zeroPointOffset: format == "gptq" ? 1 : 0
        )
    }

    private struct Unreadable: Error {
        let reason: String
    }

    /// Reads the section as compressed-tensors writes it: one group of matrices, all alike.
    private static func compressedTensors(
        _ section: FolderConfiguration
    ) throws(Unreadable) -> FolderQuantization {
        let format = section.string("format") ?? ""
        guard format == "pack-quantized" else {
            throw Unreadable(
                reason:
                    "of the format \"\(format)\"; compressed-tensors' pack-quantized can be read"
            )
        }
        let groups = section.section("config_groups")?.value.objectValue?.members ?? []
        guard groups.count == 1, let weights = groups[0].1["weights"],
            let bits = weights["num_bits"]?.intValue, bits == 4 || bits == 8,
            weights["type"]?.stringValue ?? "int" == "int"
        else {
            throw Unreadable(
                reason:
                    "whose \"config_groups\" are not one group with \"weights\" of whole numbers "
                    + "and \"num_bits\" of 4 or 8"
            )
        }
        var length = weights["group_size"]?.intValue
        switch weights["strategy"]?.stringValue {
        case "group" where (length ?? 0) > 0: break
        case "channel": length = nil
        case let strategy:
            throw Unreadable(
                reason:
                    "with the \"strategy\" \"\(strategy ?? "")\" of weights; channel, and group with "
                    + "a \"group_size\", can be read"
            )
        }
        return FolderQuantization(
            method: .compressedTensors,
            bitCount: bits,
            groupLength: length,
            isSymmetric: weights["symmetric"]?.boolValue ?? true,
            zeroPointOffset: 0
        )
    }

    private static func format(_ section: FolderConfiguration, _ method: Method) -> String {
        switch method {
        case .gptq: section.string("checkpoint_format") ?? section.string("format") ?? "gptq"
        case .awq: section.string("version") ?? section.string("format") ?? "gemm"
        case .compressedTensors: section.string("format") ?? ""
        }
    }
}

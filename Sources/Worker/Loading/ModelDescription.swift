import ModelFiles
import Tensors

/// What a file's header says about its weights, for people.
enum ModelDescription {
    /// Weights in all tensors.
    static func parameterCount(of file: GGUFFile) -> Int {
        file.tensors.reduce(0) { $0 + $1.elementCount }
    }

    /// `general.license`.
    static func license(of file: GGUFFile) -> String? {
        // A damaged key is as good as none: this is only a label.
        try? file.metadata.string("general.license")
    }

    /// What a folder says of weights that were quantised before, for example `GPTQ 4-bit`; else
    /// `general.file_type` in the words that model files are named with, for example `Q4_K_M`;
    /// without it the type that most weights are stored in.
    static func quantization(of file: GGUFFile) -> String {
        // A damaged key is as good as none: this is only a label.
        if let name = try? file.metadata.string(FolderKeys.quantization) { return name }
        if let number = try? file.metadata.integer("general.file_type"),
            let name = fileTypes[number]
        {
            return name
        }
        var counts: [String: Int] = [:]
        for tensor in file.tensors { counts[tensor.type.name, default: 0] += tensor.elementCount }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
    }

    /// llama.cpp's `llama_ftype`.
    private static let fileTypes: [Int: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1",
        10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M",
        16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 32: "BF16",
    ]
}

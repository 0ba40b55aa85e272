// swift-format-ignore: AlwaysUseLowerCamelCase
/// An element type of a tensor in a GGUF file, numbered as in ggml's `enum ggml_type`.
///
/// The case names follow the names that people see in file names (`q4_K` is "Q4_K"), so that a
/// search for one finds the other. Which of them an engine can compute with is the engine's to say.
package enum TensorType: UInt32, Sendable, Hashable, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q8_1 = 9
    case q2_K = 10
    case q3_K = 11
    case q4_K = 12
    case q5_K = 13
    case q6_K = 14
    case q8_K = 15
    case iq2_XXS = 16
    case iq2_XS = 17
    case iq3_XXS = 18
    case iq1_S = 19
    case iq4_NL = 20
    case iq3_S = 21
    case iq2_S = 22
    case iq4_XS = 23
    case i8 = 24
    case i16 = 25
    case i32 = 26
    case i64 = 27
    case f64 = 28
    case iq1_M = 29
    case bf16 = 30
    case tq1_0 = 34
    case tq2_0 = 35
    case mxfp4 = 39
    case nvfp4 = 40
    case q1_0 = 41
    case q2_0 = 42
}

extension TensorType {
    /// The name people use: `F16`, `Q4_K`, `IQ2_XXS`.
    package var name: String {
        switch self {
        case .f32: "F32"
        case .f16: "F16"
        case .f64: "F64"
        case .bf16: "BF16"
        case .i8: "I8"
        case .i16: "I16"
        case .i32: "I32"
        case .i64: "I64"
        case .q1_0: "Q1_0"
        case .q2_0: "Q2_0"
        case .q4_0: "Q4_0"
        case .q4_1: "Q4_1"
        case .q5_0: "Q5_0"
        case .q5_1: "Q5_1"
        case .q8_0: "Q8_0"
        case .q8_1: "Q8_1"
        case .q2_K: "Q2_K"
        case .q3_K: "Q3_K"
        case .q4_K: "Q4_K"
        case .q5_K: "Q5_K"
        case .q6_K: "Q6_K"
        case .q8_K: "Q8_K"
        case .iq1_S: "IQ1_S"
        case .iq1_M: "IQ1_M"
        case .iq2_XXS: "IQ2_XXS"
        case .iq2_XS: "IQ2_XS"
        case .iq2_S: "IQ2_S"
        case .iq3_XXS: "IQ3_XXS"
        case .iq3_S: "IQ3_S"
        case .iq4_NL: "IQ4_NL"
        case .iq4_XS: "IQ4_XS"
        case .tq1_0: "TQ1_0"
        case .tq2_0: "TQ2_0"
        case .mxfp4: "MXFP4"
        case .nvfp4: "NVFP4"
        }
    }

    /// Elements of a row that share a scale and are stored together; 1 for plain numbers.
    package var blockElementCount: Int { layout.elements }

    /// Bytes of one such group.
    package var blockByteCount: Int { layout.bytes }

    /// The bytes of a row of `elementCount` elements.
    ///
    /// - Returns: nil if the row isn't a whole number of quantised blocks, if `elementCount` is
    ///   negative, or if the product overflows.
    package func rowByteCount(elementCount: Int) -> Int? {
        let (elements, bytes) = layout
        guard elementCount >= 0, elementCount % elements == 0 else { return nil }
        let (product, overflow) = (elementCount / elements).multipliedReportingOverflow(by: bytes)
        return overflow ? nil : product
    }

    /// What is known of a type id that is no `TensorType`, to say why a file can't be read.
    package static func reasonForUnknown(id: UInt32) -> String {
        switch id {
        case 4, 5: "Q4_2 and Q4_3 were removed from ggml in 2023"
        case 31...33: "the interleaved Q4_0_4_4, Q4_0_4_8 and Q4_0_8_8 were removed from ggml"
        case 36...38: "the interleaved IQ4_NL types were removed from ggml"
        case 97...999: "the type belongs to ik_llama.cpp only"
        default: "no such type is known"
        }
    }

    private var layout: (elements: Int, bytes: Int) {
        switch self {
        case .f32, .i32: (1, 4)
        case .f16, .bf16, .i16: (1, 2)
        case .i64, .f64: (1, 8)
        case .i8: (1, 1)
        case .q4_0, .iq4_NL: (32, 18)
        case .q4_1: (32, 20)
        case .q5_0: (32, 22)
        case .q5_1: (32, 24)
        case .q8_0: (32, 34)
        case .q8_1: (32, 36)
        case .mxfp4: (32, 17)
        case .nvfp4: (64, 36)
        case .q1_0: (128, 18)
        case .q2_0: (64, 18)
        default: (256, superBlockByteCount)
        }
    }

    private var superBlockByteCount: Int {
        switch self {
        case .q2_K: 84
        case .q3_K: 110
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        case .q8_K: 292
        case .iq1_S: 50
        case .iq1_M: 56
        case .iq2_XXS: 66
        case .iq2_XS: 74
        case .iq2_S: 82
        case .iq3_XXS: 98
        case .iq3_S: 110
        case .iq4_XS: 136
        case .tq1_0: 54
        case .tq2_0: 66
        default: preconditionFailure("\(self) is not a type with 256-element blocks")
        }
    }
}

extension TensorType: CustomStringConvertible {
    package var description: String { name }
}

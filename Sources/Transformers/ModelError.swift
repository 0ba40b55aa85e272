package import ModelFiles
import Tensors

/// Why a model file cannot be run: each case names the key or tensor at fault.
package enum ModelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `general.architecture` is one this engine has no program for.
    case unsupportedArchitecture(String, supported: [String])
    /// The file is an adapter for a model.
    case adapter
    /// Text was asked of an architecture that only reads it.
    case generatesNothing(architecture: String)
    /// A key that the architecture needs is absent.
    case missingKey(String)
    /// A key's value is outside what the architecture or the kernels allow.
    case invalidKey(String, value: String, reason: String)
    /// A tensor that the architecture needs is absent.
    case missingTensor(String)
    /// A tensor that no part of the architecture uses, so that ignoring it would change results.
    case unexpectedTensor(String, architecture: String)
    /// A tensor has other dimensions (fastest first) than the hyper-parameters say.
    case wrongShape(tensor: String, expected: [Int], actual: [Int])
    /// A tensor is stored in a type this engine has no kernel for.
    case unsupportedType(tensor: String, type: String)
    /// A tensor holds a scale or value that is infinite or not a number.
    case nonFinite(tensor: String)
    /// The file cannot be read.
    case file(GGUFError)
    /// Memory for the weights, the cache or the scratch space cannot be had.
    case outOfMemory(what: String, byteCount: Int)

    package var description: String {
        switch self {
        case .unsupportedArchitecture(let name, let supported):
            "architecture '\(name)' is not supported yet; supported: "
                + supported.joined(separator: ", ")
        case .adapter:
            "the file is a LoRA adapter, not a model; give it to its model with "
                + "`torii adapters add MODEL FILE`"
        case .generatesNothing(let architecture):
            "architecture '\(architecture)' makes embeddings and generates no text; "
                + "use it with /v1/embeddings"
        case .missingKey(let key):
            "the model file has no '\(key)', which its architecture needs; convert the model again"
        case .invalidKey(let key, let value, let reason):
            "the model file's '\(key)' is \(value): \(reason)"
        case .missingTensor(let name):
            "the model file has no tensor '\(name)', which its architecture needs"
        case .unexpectedTensor(let name, let architecture):
            "the model file has a tensor '\(name)' that architecture '\(architecture)' does not "
                + "use; running without it would give wrong results"
        case .wrongShape(let tensor, let expected, let actual):
            "tensor '\(tensor)' has dimensions \(actual), its hyper-parameters say \(expected)"
        case .unsupportedType(let tensor, let type):
            "tensor '\(tensor)' is stored as \(type), which is not supported yet; supported: "
                + BlockDequantizer.supportedTypes.map(\.name).joined(separator: ", ")
        case .nonFinite(let tensor):
            "tensor '\(tensor)' holds a value that is infinite or not a number; "
                + "the file is damaged, fetch it again"
        case .file(let error):
            "\(error)"
        case .outOfMemory(let what, let byteCount):
            "the \(byteCount == 0 ? "memory" : "\(byteCount) bytes") for \(what) cannot be had from "
                + "the system; ask for a shorter context or a smaller model"
        }
    }
}

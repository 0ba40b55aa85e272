package import ModelFiles

/// Why an adapter cannot be used with a model: each case names the key or tensor at fault.
package enum AdapterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file is a model or something else, not an adapter.
    case noAdapter(type: String)
    /// It is an adapter of another kind than LoRA.
    case unsupportedKind(String)
    /// It was trained for a model of another architecture.
    case wrongArchitecture(adapter: String, model: String)
    /// A key's value makes no sense.
    case invalidKey(String, value: String, reason: String)
    /// It changes something that the model does not have.
    case unknownTensor(String)
    /// It changes something that adapters cannot change here.
    case unsupportedTensor(String, reason: String)
    /// One of a tensor's two factors is absent.
    case missingFactor(String)
    /// A factor has other dimensions (fastest first) than the model's tensor says.
    case wrongShape(tensor: String, expected: [Int], actual: [Int])
    /// It changes nothing.
    case empty
    /// The file cannot be read.
    case file(GGUFError)
    /// A factor cannot be loaded.
    case factor(ModelError)

    package var description: String {
        switch self {
        case .noAdapter(let type):
            "its general.type is '\(type)', not 'adapter': it is no LoRA adapter"
        case .unsupportedKind(let kind):
            "it is an adapter of the kind '\(kind)'; LoRA adapters are supported"
        case .wrongArchitecture(let adapter, let model):
            "it was made for a model of architecture '\(adapter)', and this one is '\(model)'"
        case .invalidKey(let key, let value, let reason):
            "its '\(key)' is \(value): \(reason)"
        case .unknownTensor(let name):
            "its tensor '\(name)' belongs to none of the model's; it was made for another model"
        case .unsupportedTensor(let name, let reason):
            "its tensor '\(name)' cannot be used: \(reason)"
        case .missingFactor(let name):
            "it has no tensor '\(name)', the other half of a pair; the file is damaged"
        case .wrongShape(let tensor, let expected, let actual):
            "its tensor '\(tensor)' has dimensions \(actual) where the model needs \(expected); "
                + "it was made for a model of another size"
        case .empty: "it holds no tensors, so that it would change nothing"
        case .file(let error): "\(error)"
        case .factor(let error): "\(error)"
        }
    }
}

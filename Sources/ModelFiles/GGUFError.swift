import Tensors

/// Why a model file was refused.
///
/// The description names the file, the key or tensor, and a way out.
package struct GGUFError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file that was read.
    package let path: String
    /// What is wrong with it.
    package let problem: Problem

    /// An error about the file at `path`.
    package init(path: String, problem: Problem) {
        self.path = path
        self.problem = problem
    }

    package var description: String { "\(path): \(problem)" }

    /// What can be wrong with a model file.
    package enum Problem: Sendable, Hashable {
        /// A system call failed: its name and the system's words.
        case unreadable(call: String, reason: String)
        /// The file was written to or cut while it was read.
        case changed
        /// The file doesn't begin with `GGUF`; its first bytes (at most four).
        case notGGUF(firstBytes: [UInt8])
        /// The file was written for big-endian machines.
        case byteSwapped
        /// The container version is neither 2 nor 3.
        case unsupportedVersion(UInt32)
        /// The file ends inside `field`, which needs `needed` bytes where `available` are left.
        case truncated(field: String, needed: UInt64, available: UInt64)
        /// A count or length in the file exceeds what Torii allows.
        case tooLarge(field: String, value: UInt64, maximum: UInt64)
        /// Key number `index` (from 0) has an unusable name.
        case invalidKeyName(index: Int, reason: String)
        /// The key stands twice in the metadata.
        case duplicateKey(String)
        /// The key's value isn't of the type that the format demands.
        case wrongValueType(key: String, expected: String, found: String)
        /// The key's value has the right type and a wrong value.
        case invalidValue(key: String, reason: String)
        /// A key that every model needs is absent.
        case missingKey(String)
        /// Tensor number `index` (from 0) has an unusable name.
        case invalidTensorName(index: Int, reason: String)
        /// The tensor stands twice in the file or in the parts of a split file.
        case duplicateTensor(String)
        /// The tensor's shape, type or place makes no sense.
        case invalidTensor(name: String, reason: String)
        /// The tensor's type id is unknown here.
        case unknownTensorType(tensor: String, id: UInt32)
        /// The tensor's data would end behind the end of the file.
        case tensorBeyondEnd(name: String, end: UInt64, fileByteCount: UInt64)
        /// The parts of a split file don't belong together, or one is missing.
        case invalidSplit(reason: String)
        /// A file of a Hugging Face folder, or the folder, can't be used.
        case invalidFolder(reason: String)
        /// A read outside a tensor's bytes was asked for.
        case readBeyondTensor(name: String, offset: Int, count: Int, byteCount: Int)
    }
}

extension GGUFError.Problem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let call, let reason):
            "cannot be read (\(call): \(reason))"
        case .changed:
            "changed while it was read; load the model again once whatever writes the file is done"
        case .notGGUF(let firstBytes):
            "is not a GGUF file: it begins with \(Self.quoted(firstBytes)) instead of \"GGUF\"; "
                + "is it a download page, a Git LFS pointer or another format?"
        case .byteSwapped:
            "was written for big-endian machines; get the little-endian file of this model, "
                + "or convert it with gguf-convert-endian"
        case .unsupportedVersion(let version):
            "has GGUF version \(version); versions 2 and 3 can be read. "
                + "Convert the model again with current tools"
        case .truncated(let field, let needed, let available):
            "ends too early: \(field) needs \(needed) bytes and \(available) are left. "
                + "The download was probably cut off; fetch the file again"
        case .tooLarge(let field, let value, let maximum):
            "is damaged or hostile: \(field) is \(value), more than the \(maximum) allowed"
        case .invalidKeyName(let index, let reason):
            "metadata key number \(index) \(reason); the file is damaged"
        case .duplicateKey(let key):
            "metadata key \"\(key)\" stands in the file twice; the file is damaged"
        case .wrongValueType(let key, let expected, let found):
            "metadata key \"\(key)\" should be \(expected) and is \(found); "
                + "convert the model again with current tools"
        case .invalidValue(let key, let reason):
            "metadata key \"\(key)\" \(reason)"
        case .missingKey(let key):
            "metadata key \"\(key)\" is missing; is the file a complete model?"
        default:
            tensorDescription
        }
    }

    private var tensorDescription: String {
        switch self {
        case .invalidTensorName(let index, let reason):
            return "tensor number \(index) \(reason); the file is damaged"
        case .duplicateTensor(let name):
            return "tensor \"\(name)\" stands in the file twice; the file is damaged"
        case .invalidTensor(let name, let reason):
            return "tensor \"\(name)\" \(reason)"
        case .unknownTensorType(let tensor, let id):
            return "tensor \"\(tensor)\" has type number \(id): "
                + TensorType.reasonForUnknown(id: id)
                + ". Get the model in another quantisation, such as Q4_K_M or Q8_0"
        case .tensorBeyondEnd(let name, let end, let fileByteCount):
            return "tensor \"\(name)\" ends at byte \(end) of a file of \(fileByteCount) bytes. "
                + "The download was probably cut off; fetch the file again"
        case .invalidFolder(let reason):
            return reason
        case .invalidSplit(let reason):
            return "is part of a split model: \(reason)"
        case .readBeyondTensor(let name, let offset, let count, let byteCount):
            return "\(count) bytes from byte \(offset) of tensor \"\(name)\" were asked for; "
                + "it has \(byteCount)"
        default:
            preconditionFailure("description covers the other problems")
        }
    }

    private static func quoted(_ bytes: [UInt8]) -> String {
        "\""
            + bytes.map { (32..<127).contains($0) ? String(UnicodeScalar($0)) : "\\\($0)" }.joined()
            + "\""
    }
}

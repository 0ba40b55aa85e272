package import Platform

/// Why keys could not be read or changed; what was there before still is.
package enum KeyStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The disk or the rights.
    case system(SystemError)
    /// The file is none of keys.
    case malformed(path: String, reason: String)
    /// The keys were made with another pepper than there is.
    case otherPepper(path: String, pepperPath: String)
    /// Others than the owner and the group may read the file.
    case readableByAll(path: String)
    /// A key of that name exists.
    case nameTaken(String)
    /// There is no key of that name or id.
    case unknownKey(String)
    /// The store is full.
    case tooManyKeys(limit: Int)

    package var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .malformed(let path, let reason): "\(path): \(reason)"
        case .otherPepper(let path, let pepperPath):
            "\(path) was not made with the pepper in \(pepperPath): bring back the one it was made "
                + "with, or delete both and make new keys"
        case .readableByAll(let path):
            "\(path) can be read by everybody: run `chmod 600 \(path)`"
        case .nameTaken(let name):
            "there is a key named \(name) already: choose another name, or revoke that one first"
        case .unknownKey(let name): "there is no key with the name or id \(name)"
        case .tooManyKeys(let limit): "there are \(limit) keys already: revoke some first"
        }
    }
}

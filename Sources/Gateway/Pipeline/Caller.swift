import APIKeys
import HTTP

/// Who makes a request, as far as the gateway knows.
struct Caller: Sendable {
    /// The key that was shown and asked for; nil where keys are not asked for.
    var key: APIKey?
    /// Whether the request came by the admin socket, which the system lets operators alone use.
    var isLocalAdmin = false

    /// What audit entries call it.
    var actor: String {
        if isLocalAdmin { return "admin-socket" }
        return key?.name ?? APIKey.anonymousName
    }

    /// Whether it may know of a model with these names.
    func maySee(modelNamed names: [String]) -> Bool {
        key?.terms.allowsModel(named: names) ?? true
    }
}

import APIKeys
import WorkerProtocol

extension GenerationAccount {
    /// Who pays for a request with this key (nil: keys are not asked for) by this user.
    init(_ key: APIKey?, user: String) {
        self.init(key: key?.name ?? APIKey.anonymousName, user: user)
        guard let terms = key?.terms else { return }
        weight = terms.weight
        priority = terms.priority
        if terms.isPrivate { cacheNamespace = terms.name }
    }
}

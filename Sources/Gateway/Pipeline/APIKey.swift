package import WorkerProtocol

/// A key that clients may show, and what its requests are worth beside those of other keys.
package struct APIKey: Sendable, Hashable {
    /// What the client must show.
    package var secret: String
    /// What operators call it, in lists and limits; no two keys share a name.
    package var name: String
    /// Its share of compute beside other keys, above 0; 1 is the normal share.
    package var weight: Float
    /// How urgent its requests are.
    package var priority: PriorityClass
    /// Whether its computed prefixes are kept apart from those of all others, so that no timing
    /// tells another key what was asked here.
    package var isPrivate: Bool

    /// Makes a key; what is left out is as for every other key.
    package init(
        _ secret: String,
        name: String,
        weight: Float = 1,
        priority: PriorityClass = .normal,
        isPrivate: Bool = false
    ) {
        self.secret = secret
        self.name = name
        self.weight = weight
        self.priority = priority
        self.isPrivate = isPrivate
    }

    /// The name that all requests share where keys are not asked for.
    static let anonymousName = "anonymous"
}

extension GenerationAccount {
    /// Who pays for a request with this key (nil: keys are not asked for) by this user.
    init(_ key: APIKey?, user: String) {
        self.init(key: key?.name ?? APIKey.anonymousName, user: user)
        guard let key else { return }
        weight = key.weight
        priority = key.priority
        if key.isPrivate { cacheNamespace = key.name }
    }
}

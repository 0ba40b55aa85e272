package import WorkerProtocol

/// What a key is called and what it allows: everything but the secret.
package struct KeyTerms: Sendable, Hashable {
    /// What operators call it, in lists, logs and limits; no two keys share a name.
    package var name: String
    /// What it may be used for.
    package var scopes: Set<KeyScope>
    /// The models it may use; all if there is none.
    package var models: [ModelPattern]
    /// Requests in a minute, 1 or more; nil for any number.
    package var requestsPerMinute: Int?
    /// Prompt and output tokens in a minute, 1 or more; nil for any number.
    package var tokensPerMinute: Int?
    /// Requests at the same time, 1 or more; nil for any number.
    package var concurrentRequests: Int?
    /// Its share of compute beside other keys, above 0; 1 is the normal share.
    package var weight: Float
    /// How urgent its requests are.
    package var priority: PriorityClass
    /// Whether its computed prefixes are kept apart from those of all others, so that no timing
    /// tells another key what was asked here.
    package var isPrivate: Bool
    /// When it ends, in seconds since 1970; nil for never.
    package var expires: Int?

    /// Makes terms; what is left out is as for every other key.
    package init(
        name: String,
        scopes: Set<KeyScope> = [.infer],
        models: [ModelPattern] = [],
        requestsPerMinute: Int? = nil,
        tokensPerMinute: Int? = nil,
        concurrentRequests: Int? = nil,
        weight: Float = 1,
        priority: PriorityClass = .normal,
        isPrivate: Bool = false,
        expires: Int? = nil
    ) {
        self.name = name
        self.scopes = scopes
        self.models = models
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.concurrentRequests = concurrentRequests
        self.weight = weight
        self.priority = priority
        self.isPrivate = isPrivate
        self.expires = expires
    }

    /// Whether a model with these names, its id and its aliases, may be used.
    package func allowsModel(named names: [String]) -> Bool {
        models.isEmpty || names.contains { name in models.contains { $0.matches(name) } }
    }

    /// Whether it has ended at the time `now` in seconds since 1970.
    package func isExpired(now: Int) -> Bool {
        expires.map { $0 <= now } ?? false
    }
}

/// The bounds of what keys may say.
package enum KeyTermLimits {
    /// The longest name, in bytes.
    package static let nameByteCount = 64
    /// Patterns of one key, and characters of one.
    static let patternCount = 64
    static let patternLength = 256
    /// Requests, tokens.
    static let perMinute = 1...1_000_000_000
    /// Requests.
    static let concurrentRequests = 1...1_000_000
    /// A key's share of compute.
    package static let weights: ClosedRange<Float> = 0.01...100
    /// Seconds since 1970: until the year 9999.
    static let times = 1...253_402_300_799
    /// Keys in one store.
    static let keyCount = 10_000
    /// The form of a name.
    package static let nameForm = "1 to \(nameByteCount) letters, digits and `-_.@`"

    /// Whether a name has the form; it goes into logs, metrics and paths as it is.
    package static func isName(_ text: String) -> Bool {
        (1...nameByteCount).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x40, 0x5F].contains(byte)
            }
    }
}

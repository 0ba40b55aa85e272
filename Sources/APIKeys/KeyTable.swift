/// All keys at one moment, and the check of a presented one; pure.
package struct KeyTable: Sendable {
    /// The keys of a store and the pepper of their codes.
    package struct Stored: Sendable, Hashable {
        let pepper: [UInt8]
        let keys: [APIKey]
    }

    /// What a presented text is.
    package enum Identification: Sendable, Hashable {
        case key(APIKey)
        /// A right key that has ended.
        case expired(APIKey)
        case unknown
    }

    /// Keys that stand in the clear in the operator's file.
    private let plain: [APIKey]
    private let stored: [String: APIKey]
    private let pepper: [UInt8]
    /// Whether requests need a key: there are some, or there were.
    package let asksForKeys: Bool

    /// Compared with when no key has the presented id, so that this takes as long as any other.
    private static let dummy = [UInt8](repeating: 0, count: SHA256.byteCount)

    /// A table of the plain keys and those of a store; nil stands for a store that nobody has made.
    package init(plain: [APIKey], stored: Stored?) {
        self.plain = plain
        var byID: [String: APIKey] = [:]
        for key in stored?.keys ?? [] { if let id = key.id { byID[id] = key } }
        self.stored = byID
        pepper = stored?.pepper ?? []
        asksForKeys = !plain.isEmpty || stored != nil
    }

    /// Every key, in the order of their names.
    package var keys: [APIKey] { (plain + stored.values).sorted { $0.name < $1.name } }

    /// Which key a client shows, at the time `now` in seconds since 1970.
    ///
    /// A stored key is found by the id within it; its code is compared in constant time, as are the
    /// codes of all plain keys.
    package func identify(_ presented: String, now: Int) -> Identification {
        var found: APIKey?
        if !stored.isEmpty, let secret = KeySecret(presented) {
            let code = MessageCode.code(of: Array(presented.utf8), key: pepper)
            let key = stored[secret.id]
            if MessageCode.areEqual(code, key?.digest ?? Self.dummy) { found = key }
        }
        if found == nil, !plain.isEmpty {
            let code = APIKey.plainDigest(of: presented)
            for key in plain where MessageCode.areEqual(code, key.digest) { found = key }
        }
        guard let found else { return .unknown }
        return found.terms.isExpired(now: now) ? .expired(found) : .key(found)
    }
}

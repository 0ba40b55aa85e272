package import WorkerProtocol

/// A key that clients may show, as the server knows it: never the secret, only its code.
package struct APIKey: Sendable, Hashable {
    /// Eight characters that are part of the key itself; nil for keys of a plain file.
    package let id: String?
    /// The code of the whole secret: under the store's pepper, or the process's for a plain file.
    let digest: [UInt8]
    /// What it is called and allows.
    package var terms: KeyTerms
    /// When it was made, in seconds since 1970; nil for keys of a plain file.
    package let created: Int?

    init(id: String, digest: [UInt8], terms: KeyTerms, created: Int) {
        self.id = id
        self.digest = digest
        self.terms = terms
        self.created = created
    }

    /// A key that stands in the clear in a file of the operator's; it may do everything.
    ///
    /// The secret itself is not kept.
    package init(
        _ secret: String,
        name: String,
        weight: Float = 1,
        priority: PriorityClass = .normal,
        isPrivate: Bool = false
    ) {
        self.init(
            secret,
            KeyTerms(
                name: name,
                scopes: [.admin],
                weight: weight,
                priority: priority,
                isPrivate: isPrivate
            )
        )
    }

    /// A key that stands in the clear in a file of the operator's.
    package init(_ secret: String, _ terms: KeyTerms) {
        id = nil
        digest = Self.plainDigest(of: secret)
        self.terms = terms
        created = nil
    }

    /// What operators call it.
    package var name: String { terms.name }

    /// The name that all requests share where keys are not asked for.
    package static let anonymousName = "anonymous"

    /// The code of a presented secret as keys of plain files are compared by.
    static func plainDigest(of secret: String) -> [UInt8] {
        MessageCode.code(of: Array(secret.utf8), key: processPepper)
    }

    /// Nothing that is kept depends on it.
    private static let processPepper: [UInt8] = (0..<32).map { _ in
        UInt8.random(in: .min ... .max)
    }
}

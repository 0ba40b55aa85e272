/// What all chunks of one answer share: id, time and model name.
package struct ResponseIdentity: Sendable, Hashable {
    /// `chatcmpl-` or `cmpl-` and 28 random characters; the same in every chunk of a stream.
    package let id: String
    /// Seconds since 1970.
    package let created: Int
    /// The model's name as the client asked for it.
    package let model: String

    /// What generated it: the server's name and version (`system_fingerprint`).
    package let fingerprint: String

    /// An identity with a new random id that begins with `prefix`.
    package init(prefix: String, created: Int, model: String, fingerprint: String) {
        id = Self.randomID(prefix, characterCount: 28)
        self.created = created
        self.model = model
        self.fingerprint = fingerprint
    }

    /// `prefix` and so many random letters and digits.
    static func randomID(_ prefix: String, characterCount: Int) -> String {
        var id = prefix
        for _ in 0..<characterCount {
            id.append(alphabet[Int.random(in: 0..<alphabet.count)])
        }
        return id
    }

    private static let alphabet = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )
}

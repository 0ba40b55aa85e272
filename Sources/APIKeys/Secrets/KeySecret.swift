import FoundationEssentials

/// A key as its owner sees it: `torii_`, eight characters that name it, `_`, and 256 random bits.
///
/// The name of the key inside it makes one lookup of a check; the prefix lets scanners for leaked
/// secrets find it.
package struct KeySecret: Sendable, Hashable {
    /// The eight characters: lower-case letters and digits.
    package let id: String
    /// The whole key.
    package let text: String

    /// What every key begins with.
    package static let prefix = "torii_"
    private static let idLength = 8
    private static let secretLength = 43

    /// A new key from the system's random numbers.
    package static func random() -> KeySecret {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// A new key from `generator`, which must not be guessable outside tests.
    package static func random(using generator: inout some RandomNumberGenerator) -> KeySecret {
        let id = String(
            (0..<idLength).compactMap { _ in idAlphabet.randomElement(using: &generator) }
        )
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return KeySecret(id: id, text: prefix + id + "_" + base64URL(bytes))
    }

    private init(id: String, text: String) {
        self.id = id
        self.text = text
    }

    /// Reads what a client shows; nil if it has not the form of such a key.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        let head = Self.prefix.utf8.count
        guard text.hasPrefix(Self.prefix),
            bytes.count == head + Self.idLength + 1 + Self.secretLength,
            bytes[head + Self.idLength] == UInt8(ascii: "_")
        else { return nil }
        let id = String(decoding: bytes[head..<head + Self.idLength], as: UTF8.self)
        self.init(id: id, text: text)
    }

    private static let idAlphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")

    /// RFC 4648 §5 without padding.
    private static func base64URL(_ bytes: [UInt8]) -> String {
        let text = Data(bytes).base64EncodedString()
            .map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        return String(text.prefix { $0 != "=" })
    }
}

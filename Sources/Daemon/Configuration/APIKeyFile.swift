import Gateway
import Glibc
import Platform
import WorkerProtocol

/// The file that holds the API keys, one per line; `#` begins a comment line.
///
/// A key may be followed by options: `name=alice` (else `key-` and the line's number), `weight=2`,
/// `class=interactive`, `class=batch`, `private`.
enum APIKeyFile {
    /// Why the file cannot be used.
    struct Problem: Error, Equatable {
        let message: String
    }

    /// Shorter keys can be guessed.
    static let minimumKeyByteCount = 16
    /// Longer keys do not fit a header comfortably.
    static let maximumKeyByteCount = 512
    /// The longest name of a key, in bytes.
    static let maximumNameByteCount = 64
    /// A key's share of compute.
    static let weights: ClosedRange<Float> = 0.01...100

    /// The keys in the file, which must exist and be readable by its owner only.
    static func read(path: String) throws(Problem) -> [APIKey] {
        var status = stat()
        // Safety: `status` outlives the call.
        guard unsafe stat(path, &status) == 0 else {
            throw Problem(message: "\(path) cannot be found; write one key per line into it")
        }
        // The group may read it: systemd's credentials and package managers do so.
        guard status.st_mode & 0o007 == 0 else {
            throw Problem(message: "\(path) can be read by everybody: run `chmod 600 \(path)`")
        }
        guard let text = try? Files.text(of: path) else {
            throw Problem(message: "\(path) cannot be read; check its owner and rights")
        }
        return try keys(in: text, path: path)
    }

    /// The keys in the text of such a file.
    static func keys(in text: String, path: String) throws(Problem) -> [APIKey] {
        var keys: [APIKey] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let secret = words.first, !secret.hasPrefix("#") else { continue }
            do throws(Problem) {
                let key = try key(secret, options: words.dropFirst(), name: "key-\(index + 1)")
                if keys.contains(where: { $0.name == key.name }) {
                    throw Problem(message: "the name \(key.name) belongs to an earlier line")
                }
                keys.append(key)
            } catch {
                throw Problem(message: "\(path) line \(index + 1): \(error.message)")
            }
        }
        guard !keys.isEmpty else { throw Problem(message: "\(path) holds no key") }
        return keys
    }

    private static func key(
        _ secret: Substring,
        options: ArraySlice<Substring>,
        name: String
    ) throws(Problem) -> APIKey {
        guard secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Problem(message: "a key is one printable word")
        }
        guard (minimumKeyByteCount...maximumKeyByteCount).contains(secret.utf8.count) else {
            throw Problem(
                message: "a key has \(minimumKeyByteCount) to \(maximumKeyByteCount) characters; "
                    + "`openssl rand -hex 24` makes one"
            )
        }
        var key = APIKey(String(secret), name: name)
        for option in options { try apply(option, to: &key) }
        return key
    }

    private static func apply(_ option: Substring, to key: inout APIKey) throws(Problem) {
        let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count == 2 ? String(parts[1]) : ""
        switch parts[0] {
        case "name" where isName(value): key.name = value
        case "name":
            throw Problem(
                message: "a name has 1 to \(maximumNameByteCount) letters, digits and `-_.@`"
            )
        case "weight":
            guard let weight = Float(value), weights.contains(weight) else {
                throw Problem(
                    message: "a weight is a number from \(weights.lowerBound) to "
                        + "\(weights.upperBound)"
                )
            }
            key.weight = weight
        case "class":
            guard let priority = PriorityClass.allCases.first(where: { "\($0)" == value }) else {
                let names = PriorityClass.allCases.map { "\($0)" }.joined(separator: ", ")
                throw Problem(message: "a class is one of \(names)")
            }
            key.priority = priority
        case "private" where parts.count == 1: key.isPrivate = true
        default:
            // Not shown: it may be a second key.
            throw Problem(
                message: "a key is followed by nothing but name=, weight=, class= and `private`"
            )
        }
    }

    private static func isName(_ text: String) -> Bool {
        (1...maximumNameByteCount).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x40, 0x5F].contains(byte)
            }
    }
}

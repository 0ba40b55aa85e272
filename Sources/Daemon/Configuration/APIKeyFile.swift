import APIKeys
import Glibc
import Platform
import WorkerProtocol

/// The file that holds the API keys, one per line; `#` begins a comment line.
///
/// For keys that something else brings here, such as systemd's credentials: `torii keys` keeps its own
/// elsewhere, without the secrets. A key may be followed by options: `name=alice` (else `key-` and the
/// line's number), `scopes=infer,read` (else it may do everything), `weight=2`, `class=interactive`,
/// `class=batch`, `private`.
enum APIKeyFile {
    /// Why the file cannot be used.
    struct Problem: Error, Equatable {
        let message: String
    }

    /// Shorter keys can be guessed.
    static let minimumKeyByteCount = 16
    /// Longer keys do not fit a header comfortably.
    static let maximumKeyByteCount = 512

    /// The keys in the file, which must exist and be readable by its owner only.
    static func read(path: String) throws(Problem) -> [APIKey] {
        var status = stat()
        // Safety: `status` outlives the call.
        guard unsafe stat(path, &status) == 0 else {
            throw Problem(
                message:
                    "\(path) cannot be found; write one key per line into it, or use `torii keys add` instead"
            )
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
        var terms = KeyTerms(name: name, scopes: [.admin])
        for option in options { try apply(option, to: &terms) }
        return APIKey(String(secret), terms)
    }

    private static func apply(_ option: Substring, to terms: inout KeyTerms) throws(Problem) {
        let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count == 2 ? String(parts[1]) : ""
        switch parts[0] {
        case "name" where KeyTermLimits.isName(value): terms.name = value
        case "name": throw Problem(message: "a name has \(KeyTermLimits.nameForm)")
        case "scopes":
            let scopes = value.split(separator: ",").map { KeyScope(rawValue: String($0)) }
            guard !scopes.isEmpty, !scopes.contains(nil) else {
                let names = KeyScope.allCases.map(\.rawValue).joined(separator: ",")
                throw Problem(message: "scopes are some of \(names)")
            }
            terms.scopes = Set(scopes.compactMap(\.self))
        case "weight":
            let weights = KeyTermLimits.weights
            guard let weight = Float(value), weights.contains(weight) else {
                throw Problem(
                    message: "a weight is a number from \(weights.lowerBound) to "
                        + "\(weights.upperBound)"
                )
            }
            terms.weight = weight
        case "class":
            guard let priority = PriorityClass.allCases.first(where: { "\($0)" == value }) else {
                let names = PriorityClass.allCases.map { "\($0)" }.joined(separator: ", ")
                throw Problem(message: "a class is one of \(names)")
            }
            terms.priority = priority
        case "private" where parts.count == 1: terms.isPrivate = true
        default:
            // Not shown: it may be a second key.
            throw Problem(
                message:
                    "a key is followed by nothing but name=, scopes=, weight=, class= and `private`"
            )
        }
    }
}

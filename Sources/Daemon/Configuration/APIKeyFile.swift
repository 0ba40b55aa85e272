import Glibc
import Platform

/// The file that holds the API keys, one per line; `#` begins a comment line.
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
    static func read(path: String) throws(Problem) -> [String] {
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
    static func keys(in text: String, path: String) throws(Problem) -> [String] {
        var keys: [String] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            var key = line[...]
            while let last = key.last, last.isWhitespace { key.removeLast() }
            key = key.drop { $0.isWhitespace }
            if key.isEmpty || key.hasPrefix("#") { continue }
            guard key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw Problem(message: "\(path) line \(index + 1): a key is one printable word")
            }
            guard (minimumKeyByteCount...maximumKeyByteCount).contains(key.utf8.count) else {
                throw Problem(
                    message: "\(path) line \(index + 1): a key has \(minimumKeyByteCount) to "
                        + "\(maximumKeyByteCount) characters; `openssl rand -hex 24` makes one"
                )
            }
            keys.append(String(key))
        }
        guard !keys.isEmpty else { throw Problem(message: "\(path) holds no key") }
        return keys
    }
}

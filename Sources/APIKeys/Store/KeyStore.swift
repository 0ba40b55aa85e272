import Glibc
import JSON
import Platform

/// The file that keys are kept in, hashed, and the pepper that they are hashed with.
///
/// The daemon and the command line may both change it: every change is one locked, durable
/// replacement of the file. Blocks for as long as the disk takes.
package struct KeyStore: Sendable, Hashable {
    /// The file of keys.
    package let path: String
    /// The file of the pepper, which is made beside the keys unless somebody gives one.
    package let pepperPath: String
    private let makesPepper: Bool

    /// The longest file that is read, in bytes.
    private static let maximumByteCount = 16 << 20

    /// A store at `path`; the pepper is read from `pepperPath`, or kept beside the keys.
    package init(path: String, pepperPath: String? = nil) {
        self.path = path
        self.pepperPath = pepperPath ?? DurableFile.directory(of: path) + "/pepper"
        makesPepper = pepperPath == nil
    }

    /// What tells one state of the file from the next.
    package struct Fingerprint: Sendable, Hashable {
        let inode: UInt64
        let byteCount: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    /// The present state of the file; nil if there is none.
    package var fingerprint: Fingerprint? {
        var status = stat()
        // Safety: `status` is writable and the path a NUL-terminated copy.
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Fingerprint(
            inode: UInt64(status.st_ino),
            byteCount: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec
        )
    }

    /// The keys in the file; nil if there is no file, so that nobody has ever made a key.
    package func load() throws(KeyStoreError) -> KeyTable.Stored? {
        guard let document = try document() else { return nil }
        return KeyTable.Stored(pepper: try pepper(for: document), keys: document.keys)
    }

    /// Makes a key and returns it with its secret, which nobody can show again.
    ///
    /// - Parameters:
    ///   - terms: What it is called and allows.
    ///   - now: The time in seconds since 1970.
    /// - Returns: The key and its secret.
    /// - Throws: Why there is none; the store is as it was then, or has the key after all where only
    ///   the last step of writing failed.
    package func add(
        _ terms: KeyTerms,
        now: Int
    ) throws(KeyStoreError) -> (key: APIKey, secret: KeySecret) {
        try makeDirectory()
        return try locked { () throws(KeyStoreError) in
            var document: KeyStoreDocument
            let pepper: [UInt8]
            if let present = try self.document() {
                document = present
                pepper = try self.pepper(for: present)
            } else {
                pepper = try newPepper()
                document = KeyStoreDocument(pepper: pepper)
            }
            if document.keys.contains(where: { $0.name == terms.name }) {
                throw .nameTaken(terms.name)
            }
            guard document.keys.count < KeyTermLimits.keyCount else {
                throw .tooManyKeys(limit: KeyTermLimits.keyCount)
            }
            var secret = KeySecret.random()
            while document.keys.contains(where: { $0.id == secret.id }) { secret = .random() }
            let digest = MessageCode.code(of: Array(secret.text.utf8), key: pepper)
            let key = APIKey(id: secret.id, digest: digest, terms: terms, created: now)
            document.keys.append(key)
            try write(document)
            return (key, secret)
        }
    }

    /// Removes the key of that name or id; the file stays when it was the last, so that keys are
    /// asked for until somebody deletes it.
    package func revoke(_ nameOrID: String) throws(KeyStoreError) -> APIKey {
        guard fingerprint != nil else { throw .unknownKey(nameOrID) }
        return try locked { () throws(KeyStoreError) in
            guard var document = try document(),
                let index = document.keys.firstIndex(where: { $0.name == nameOrID })
                    ?? document.keys.firstIndex(where: { $0.id == nameOrID })
            else { throw .unknownKey(nameOrID) }
            let key = document.keys.remove(at: index)
            try write(document)
            return key
        }
    }

    // MARK: Files

    private func document() throws(KeyStoreError) -> KeyStoreDocument? {
        guard fingerprint != nil else { return nil }
        let bytes = try read(path)
        do throws(KeyStoreDocument.Problem) {
            return try KeyStoreDocument(bytes)
        } catch {
            throw .malformed(path: path, reason: error.reason)
        }
    }

    private func pepper(for document: KeyStoreDocument) throws(KeyStoreError) -> [UInt8] {
        guard let pepper = HexText.bytes(of: Self.trimmed(try read(pepperPath))), !pepper.isEmpty
        else {
            throw .malformed(path: pepperPath, reason: "it must hold hexadecimal digits")
        }
        guard document.wasMade(with: pepper) else {
            throw .otherPepper(path: path, pepperPath: pepperPath)
        }
        return pepper
    }

    /// A pepper for a store that begins: a given one, or one that is made now.
    private func newPepper() throws(KeyStoreError) -> [UInt8] {
        guard makesPepper else {
            guard let pepper = HexText.bytes(of: Self.trimmed(try read(pepperPath))),
                pepper.count >= 16
            else {
                let reason = "a pepper has 32 hexadecimal digits or more"
                throw .malformed(path: pepperPath, reason: reason)
            }
            return pepper
        }
        var generator = SystemRandomNumberGenerator()
        let pepper = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        do throws(SystemError) {
            let text = HexText.text(of: pepper) + "\n"
            try DurableFile.replace(pepperPath, with: Array(text.utf8))
        } catch {
            throw .system(error)
        }
        return pepper
    }

    private func write(_ document: KeyStoreDocument) throws(KeyStoreError) {
        do throws(SystemError) {
            try DurableFile.replace(path, with: document.bytes)
        } catch {
            throw .system(error)
        }
    }

    /// The bytes of a file that only its owner and group may read.
    private func read(_ path: String) throws(KeyStoreError) -> [UInt8] {
        var status = stat()
        // Safety: `status` is writable and the path a NUL-terminated copy.
        guard unsafe stat(path, &status) == 0 else {
            throw .system(.last("stat", path: path))
        }
        guard status.st_mode & 0o007 == 0 else { throw .readableByAll(path: path) }
        do throws(SystemError) {
            return try Files.contents(of: path, maximumByteCount: Self.maximumByteCount)
        } catch {
            throw .system(error)
        }
    }

    private func makeDirectory() throws(KeyStoreError) {
        let directory = DurableFile.directory(of: path)
        // Safety: the string outlives the call as a NUL-terminated copy.
        guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw .system(.last("mkdir", path: directory))
        }
    }

    private func locked<Value>(
        _ body: () throws(KeyStoreError) -> Value
    ) throws(KeyStoreError) -> Value {
        let result: Result<Value, KeyStoreError>
        do throws(SystemError) {
            result = try DurableFile.locked(path) { () -> Result<Value, KeyStoreError> in
                do throws(KeyStoreError) {
                    return .success(try body())
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw .system(error)
        }
        return try result.get()
    }

    private static func trimmed(_ bytes: [UInt8]) -> String {
        String(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace })
    }
}

import Glibc
import Platform

/// An open file that several owners share.
///
/// Safe from any thread.
final class OpenFile: Sendable {
    let file: ReadOnlyFile

    var path: String { file.path }
    var byteCount: Int { file.byteCount }
    var identity: String { file.identity }

    init(path: String) throws(GGUFError) {
        do {
            file = try ReadOnlyFile.open(path: path)
        } catch {
            throw Self.unreadable(path: path, error)
        }
    }

    /// Whether a path leads to a directory.
    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        // Safety: `status` is writable for the length of the call, the path is copied by it.
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Opens a file that need not be there: nil if it isn't.
    static func ifPresent(path: String) throws(GGUFError) -> OpenFile? {
        do {
            let file = try ReadOnlyFile.open(path: path)
            return OpenFile(file)
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw Self.unreadable(path: path, error)
        }
    }

    private init(_ file: consuming ReadOnlyFile) {
        self.file = file
    }

    /// Takes over a descriptor that is open for reading.
    init(owning descriptor: Int32, path: String) throws(GGUFError) {
        do {
            file = try ReadOnlyFile(owning: descriptor, path: path)
        } catch {
            throw Self.unreadable(path: path, error)
        }
    }

    /// Fills `buffer` with the bytes from `offset` on, or gives back why that failed.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> GGUFError? {
        do {
            // Safety: the caller's buffer is passed on as it is.
            try unsafe file.read(at: offset, into: buffer)
            return nil
        } catch {
            // A file is as long as it was when it was opened, unless somebody cut it.
            if error.code == ENODATA { return GGUFError(path: file.path, problem: .changed) }
            return Self.unreadable(path: file.path, error)
        }
    }

    /// The bytes of a range.
    func bytes(_ range: Range<Int>) throws(GGUFError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        // Safety: the buffer is the array's own storage, for the time of the call.
        let failure = unsafe bytes.withUnsafeMutableBytes {
            unsafe read(at: range.lowerBound, into: $0)
        }
        if let failure { throw failure }
        return bytes
    }

    /// All bytes of a small file.
    func contents(maximumByteCount: Int) throws(GGUFError) -> [UInt8] {
        guard byteCount <= maximumByteCount else {
            throw GGUFError(
                path: path,
                problem: .tooLarge(
                    field: "the length of the file",
                    value: UInt64(byteCount),
                    maximum: UInt64(maximumByteCount)
                )
            )
        }
        return try bytes(0..<byteCount)
    }

    /// Throws if the file changed since it was opened.
    func checkUnchanged() throws(GGUFError) {
        if file.hasChanged { throw GGUFError(path: file.path, problem: .changed) }
    }

    private static func unreadable(path: String, _ error: SystemError) -> GGUFError {
        GGUFError(path: path, problem: .unreadable(call: error.call, reason: error.reason))
    }
}

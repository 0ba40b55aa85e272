import CLinux
import Glibc

/// A regular file open for positioned reading.
///
/// Safe from any thread: reads carry their offset.
package struct ReadOnlyFile: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    /// As given to `open`.
    package let path: String
    /// The length when the file was opened, in bytes.
    package let byteCount: Int

    /// Opens a regular file; directories, sockets and devices are refused with EINVAL.
    package static func open(path: String) throws(SystemError) -> ReadOnlyFile {
        // Safety: the string outlives the call as a NUL-terminated copy.
        let descriptor = try FileDescriptor(
            returnedBy: "open",
            unsafe torii_open_read_only(path),
            path: path
        )
        var status = stat()
        // Safety: `status` is a valid stat structure for the length of the call.
        guard unsafe fstat(descriptor.rawValue, &status) == 0 else {
            throw .last("fstat", path: path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let code = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL
            throw SystemError(call: "open", code: code, path: path)
        }
        return ReadOnlyFile(
            descriptor: descriptor,
            path: path,
            byteCount: Int(status.st_size)
        )
    }

    private init(descriptor: consuming FileDescriptor, path: String, byteCount: Int) {
        self.descriptor = descriptor
        self.path = path
        self.byteCount = byteCount
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// Throws ENODATA when the file ends before the buffer is full (it shrank, or the caller asked
    /// beyond `byteCount`), and whatever the disk reports.
    package func read(
        at offset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) {
        var done = 0
        while done < buffer.count {
            // Safety: the slice from `done` to the end lies inside the caller's buffer.
            let count = unsafe pread(
                descriptor.rawValue,
                buffer.baseAddress?.advanced(by: done),
                min(buffer.count - done, 1 << 30),
                off_t(offset + done)
            )
            if count > 0 {
                done += count
            } else if count == 0 {
                throw SystemError(call: "pread", code: ENODATA, path: path)
            } else if errno != EINTR {
                throw .last("pread", path: path)
            }
        }
    }
}

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
    /// Identity of the opened file: device and inode.
    package let identity: FileIdentity

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
            byteCount: Int(status.st_size),
            identity: FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        )
    }

    private init(
        descriptor: consuming FileDescriptor,
        path: String,
        byteCount: Int,
        identity: FileIdentity
    ) {
        self.descriptor = descriptor
        self.path = path
        self.byteCount = byteCount
        self.identity = identity
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

    /// Tells the kernel that the range will be read soon, so that it reads ahead.
    ///
    /// A hint: never fails.
    package func willNeed(offset: Int, byteCount: Int) {
        _ = posix_fadvise(
            descriptor.rawValue,
            off_t(offset),
            off_t(byteCount),
            POSIX_FADV_WILLNEED
        )
    }
}

/// What makes two paths the same file: device and inode number.
package struct FileIdentity: Sendable, Hashable {
    /// The number of the file system's device.
    package let device: UInt64
    /// The number within the file system.
    package let inode: UInt64
}

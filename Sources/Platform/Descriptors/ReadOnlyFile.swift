import CLinux
import Glibc

/// A regular file open for positioned reading.
///
/// Safe from any thread: reads carry their offset.
package struct ReadOnlyFile: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    /// As given to `open`.
    package let path: String
    private let status: FileStatus

    /// Opens a regular file; directories, sockets and devices are refused with EINVAL or
    /// EISDIR.
    package static func open(path: String) throws(SystemError) -> ReadOnlyFile {
        try FaultPlan.pass("open", path: path)
        // Safety: the string outlives the call as a NUL-terminated copy.
        let descriptor = try FileDescriptor(
            returnedBy: "open",
            unsafe torii_open_read_only(path),
            path: path
        )
        return try ReadOnlyFile(descriptor: descriptor, path: path)
    }

    /// Takes over a descriptor that is open for reading on a regular file.
    ///
    /// - Parameters:
    ///   - descriptor: Open, and owned by nobody else.
    ///   - path: What the file is called in errors.
    /// - Throws: EINVAL or EISDIR if it is no regular file, and what fstat(2) reports.
    package init(owning descriptor: Int32, path: String) throws(SystemError) {
        try self.init(descriptor: FileDescriptor(owning: descriptor), path: path)
    }

    private init(descriptor: consuming FileDescriptor, path: String) throws(SystemError) {
        let status = try FileStatus(of: descriptor.rawValue, path: path)
        guard status.mode & S_IFMT == S_IFREG else {
            let code = status.mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL
            throw SystemError(call: "open", code: code, path: path)
        }
        self.descriptor = descriptor
        self.path = path
        self.status = status
    }

    /// The length when the file was opened, in bytes.
    package var byteCount: Int { status.byteCount }

    /// The descriptor; it stays open as long as this value lives.
    ///
    /// Borrowed.
    package var rawValue: Int32 { descriptor.rawValue }

    /// Whether somebody wrote to the file, or cut or lengthened it, since it was opened.
    ///
    /// A file that took its place under the same name is another one and does not count.
    package var hasChanged: Bool {
        (try? FileStatus(of: descriptor.rawValue, path: path)) != status
    }

    /// What changes when somebody writes to the file, or puts another one in its place.
    package var identity: String { "\(status.inode).\(status.byteCount).\(status.modified)" }

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
            try FaultPlan.pass("pread", path: path)
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

/// What fstat(2) says about an open file.
struct FileStatus: Equatable {
    let byteCount: Int
    /// Nanoseconds since 1970.
    let modified: Int64
    let mode: UInt32
    let inode: UInt64

    init(of descriptor: Int32, path: String) throws(SystemError) {
        try FaultPlan.pass("fstat", path: path)
        var size: Int64 = 0
        var modified: Int64 = 0
        var mode: UInt32 = 0
        var inode: UInt64 = 0
        // Safety: the four variables are writable for the length of the call.
        guard unsafe torii_file_status(descriptor, &size, &modified, &mode, &inode) == 0 else {
            throw .last("fstat", path: path)
        }
        byteCount = Int(size)
        self.modified = modified
        self.mode = mode
        self.inode = inode
    }
}

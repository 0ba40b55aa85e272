import CLinux
import Glibc

/// A file that grows beside its place and takes it when it is whole, so that nobody sees half of one.
///
/// Confined to its writer. If it isn't finished it is removed.
package final class ReplacementFile {
    private let descriptor: FileDescriptor
    private let path: String
    private var isFinished = false

    private var temporaryPath: String { path + ".part" }

    /// Begins the file that shall be at `path`.
    ///
    /// What another writer may have left half-written beside it is overwritten.
    package init(path: String) throws(SystemError) {
        self.path = path
        let temporary = path + ".part"
        try FaultPlan.pass("open", path: temporary)
        // Safety: the string outlives the call as a NUL-terminated copy.
        descriptor = try FileDescriptor(
            returnedBy: "open",
            unsafe torii_create(temporary),
            path: temporary
        )
    }

    /// Appends bytes.
    package func append(_ bytes: [UInt8]) throws(SystemError) {
        try descriptor.writeAll(bytes, path: temporaryPath)
    }

    /// Puts the file in its place, once it is on disk; then its name is too.
    ///
    /// - Throws: What failed. The old file stays then, unless it was the last step, which makes the
    ///   new name durable.
    package func finish() throws(SystemError) {
        try FaultPlan.pass("fsync", path: temporaryPath)
        guard fsync(descriptor.rawValue) == 0 else { throw .last("fsync", path: temporaryPath) }
        try FaultPlan.pass("rename", path: path)
        // Safety: both strings outlive the call as NUL-terminated copies.
        guard unsafe rename(temporaryPath, path) == 0 else { throw .last("rename", path: path) }
        isFinished = true
        try DurableFile.synchronizeDirectory(of: path)
    }

    deinit {
        // Safety: the string outlives the call as a NUL-terminated copy.
        if !isFinished { _ = unsafe unlink(path + ".part") }
    }
}

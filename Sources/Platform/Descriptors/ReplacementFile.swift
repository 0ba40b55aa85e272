import CLinux
import Glibc

/// A file that takes its place when it is whole, so that nobody sees half of one.
///
/// Until then it has no name, and goes with its writer, whatever ends that; on a file system that
/// cannot do so it grows as `PATH.part`. Confined to its writer. If it isn't finished it is removed.
package final class ReplacementFile {
    private let descriptor: FileDescriptor
    private let path: String
    /// The descriptor that it is written through; it stays open as long as the object lives.
    ///
    /// Borrowed.
    package var rawValue: Int32 { descriptor.rawValue }

    /// How many bytes there are so far.
    ///
    /// - Throws: What fstat(2) reports.
    package func byteCount() throws(SystemError) -> Int {
        try FileStatus(of: descriptor.rawValue, path: temporaryPath).byteCount
    }

    private var hasTemporaryName: Bool

    private var temporaryPath: String { path + ".part" }

    /// Begins the file that shall be at `path`.
    ///
    /// What another writer may have left half-written beside it is overwritten.
    package init(path: String) throws(SystemError) {
        self.path = path
        let temporary = path + ".part"
        try FaultPlan.pass("open", path: temporary)
        // Safety: the strings outlive the calls as NUL-terminated copies.
        let unnamed = unsafe torii_create_unnamed(DurableFile.directory(of: path))
        hasTemporaryName = unnamed < 0
        if unnamed >= 0 {
            descriptor = FileDescriptor(owning: unnamed)
        } else {
            descriptor = try FileDescriptor(
                returnedBy: "open",
                unsafe torii_create(temporary),
                path: temporary
            )
        }
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
        if !hasTemporaryName { try nameTemporarily() }
        try FaultPlan.pass("rename", path: path)
        // Safety: both strings outlive the call as NUL-terminated copies.
        guard unsafe rename(temporaryPath, path) == 0 else { throw .last("rename", path: path) }
        hasTemporaryName = false
        try DurableFile.synchronizeDirectory(of: path)
    }

    /// A file without a name cannot take the place of one that has it.
    private func nameTemporarily() throws(SystemError) {
        try FaultPlan.pass("linkat", path: temporaryPath)
        // Safety: the string outlives the calls as a NUL-terminated copy. What is there was left by a
        // writer that was killed.
        _ = unsafe unlink(temporaryPath)
        guard unsafe torii_give_name(descriptor.rawValue, temporaryPath) == 0 else {
            throw .last("linkat", path: temporaryPath)
        }
        hasTemporaryName = true
    }

    deinit {
        // Safety: the string outlives the call as a NUL-terminated copy.
        if hasTemporaryName { _ = unsafe unlink(path + ".part") }
    }
}

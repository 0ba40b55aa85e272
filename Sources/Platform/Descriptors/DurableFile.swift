import Glibc

/// Replaces small files such that after any crash the old or the new one is there, whole.
package enum DurableFile {
    /// Writes `bytes` beside the file and renames it into place, each step on disk before the next.
    ///
    /// 1. a new file `PATH.new` (what an earlier crash left of one is overwritten), of the
    ///    directory's owner when root writes it for a service; 2. its bytes, then fsync; 3. rename;
    /// 4. fsync of the directory. When a step fails the old file stays; a failed fsync is not tried
    /// again, for the kernel may have dropped what it could not write.
    ///
    /// Two writers must not do this at the same time: see `locked(_:_:)`.
    /// - Throws: What failed, with the path; nothing of the new file is left then, unless it was the
    ///   last step.
    package static func replace(
        _ path: String,
        with bytes: [UInt8],
        mode: UInt32 = 0o600
    ) throws(SystemError) {
        let new = path + ".new"
        do throws(SystemError) {
            try write(bytes, to: new, mode: mode, like: directory(of: path))
            try FaultPlan.pass("rename", path: path)
            // Safety: both strings outlive the call as NUL-terminated copies.
            guard unsafe rename(new, path) == 0 else { throw .last("rename", path: path) }
        } catch {
            // Safety: as above.
            _ = unsafe unlink(new)
            throw error
        }
        try synchronizeDirectory(of: path)
    }

    /// Runs `body` while no other process, and no other call, runs one for the same path.
    ///
    /// The lock is a file `PATH.lock` that stays.
    /// - Throws: What the lock failed with; `body` was not run then.
    package static func locked<Result>(
        _ path: String,
        _ body: () -> Result
    ) throws(SystemError) -> Result {
        let name = path + ".lock"
        try FaultPlan.pass("open", path: name)
        // Safety: the string outlives the call as a NUL-terminated copy.
        let lock = try FileDescriptor(
            returnedBy: "open",
            unsafe open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600),
            path: name
        )
        try adopt(lock.rawValue, like: directory(of: path), path: name)
        try FaultPlan.pass("flock", path: name)
        while flock(lock.rawValue, LOCK_EX) != 0 {
            guard errno == EINTR else { throw .last("flock", path: name) }
        }
        return body()
    }

    /// The directory that a path names a file in.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func write(
        _ bytes: [UInt8],
        to path: String,
        mode: UInt32,
        like directory: String
    ) throws(SystemError) {
        try FaultPlan.pass("open", path: path)
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        // Safety: the string outlives the call as a NUL-terminated copy.
        let file = try FileDescriptor(
            returnedBy: "open",
            unsafe open(path, flags, mode_t(mode)),
            path: path
        )
        guard fchmod(file.rawValue, mode_t(mode)) == 0 else { throw .last("fchmod", path: path) }
        try adopt(file.rawValue, like: directory, path: path)
        try file.writeAll(bytes, path: path)
        try FaultPlan.pass("fsync", path: path)
        guard fsync(file.rawValue) == 0 else { throw .last("fsync", path: path) }
    }

    /// Gives a file that root has made to the owner of the directory: the service's user must read it.
    private static func adopt(
        _ descriptor: Int32,
        like directory: String,
        path: String
    ) throws(SystemError) {
        guard geteuid() == 0 else { return }
        var status = stat()
        // Safety: `status` is writable and the path a NUL-terminated copy.
        guard unsafe stat(directory, &status) == 0 else { throw .last("stat", path: directory) }
        guard fchown(descriptor, status.st_uid, status.st_gid) == 0 else {
            throw .last("fchown", path: path)
        }
    }

    /// Makes what happened to the names in a file's directory durable.
    static func synchronizeDirectory(of path: String) throws(SystemError) {
        let directory = directory(of: path)
        try FaultPlan.pass("fsync", path: directory)
        // Safety: the string outlives the call as a NUL-terminated copy.
        let opened = try FileDescriptor(
            returnedBy: "open",
            unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
            path: directory
        )
        guard fsync(opened.rawValue) == 0 else { throw .last("fsync", path: directory) }
    }
}

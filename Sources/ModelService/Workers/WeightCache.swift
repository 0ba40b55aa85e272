import Foundation
import Glibc
import Platform
import Synchronization
import Telemetry
import WorkerProtocol

/// A directory of packed weights, so that a model that was loaded before is only mapped.
///
/// One file to a model and type of weights, under a name that follows from the model's path; what is in
/// it, and whether it still fits, is the workers' business. All files together stay within a capacity:
/// those go first that were not used for longest. Safe from any thread; blocks on the disk.
final class WeightCache: Sendable {
    private let directory: String
    private let capacity: Int
    private let log: Log
    /// One at a time makes room and puts a file in its place.
    private let publishing = Mutex(())

    private static let suffix = ".weights"

    /// Uses a directory, which need not exist yet.
    ///
    /// - Parameters:
    ///   - directory: Nobody else's; its files are removed when room is needed.
    ///   - capacity: Bytes that all files together may take.
    ///   - log: Where problems go; none of them keeps a model from being loaded.
    init(directory: String, capacity: Int, log: Log) {
        self.directory = directory
        self.capacity = capacity
        self.log = log
    }

    /// The files of one load: what there is, and what may become the next.
    ///
    /// - Parameters:
    ///   - path: The model's.
    ///   - weightType: What its matrices become.
    ///   - byteCount: Of the model's own files.
    /// - Returns: The open files; what cannot be opened is left out.
    func open(
        _ path: String,
        _ weightType: WorkerLoadOptions.WeightType?,
        byteCount: Int
    ) -> WeightCacheFiles {
        let name = Self.name(path, weightType)
        let stored = try? OpenedFile(path: "\(directory)/\(name)")
        // The time of its last use; a file that cannot be touched counts as older than it is.
        if let stored { _ = futimens(stored.file.rawValue, nil) }
        // If the directory cannot be made, opening the file says so.
        try? FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        guard byteCount <= capacity, byteCount < Self.freeByteCount(directory) / 2 else {
            return WeightCacheFiles(name, stored: stored, output: nil)
        }
        do throws(SystemError) {
            let output = try ReplacementFile(path: "\(directory)/\(name)")
            return WeightCacheFiles(name, stored: stored, output: output)
        } catch {
            log.debug("packed weights cannot be kept", ("error", error))
            return WeightCacheFiles(name, stored: stored, output: nil)
        }
    }

    /// Puts what a worker has written in its place, on a thread of its own: the disk takes its time.
    func publish(_ files: WeightCacheFiles) {
        // Without a thread the file is only not kept.
        _ = try? DedicatedThread(name: "weight-cache") { [self] in place(files) }
    }

    /// Puts what a worker has written in its place; then others go that are too much beside it.
    ///
    /// Only the first time for the same files. When a step fails, nothing goes.
    func place(_ files: WeightCacheFiles) {
        publishing.withLock { _ in
            do throws(SystemError) {
                guard let byteCount = try files.finish() else { return }
                log.info("packed weights kept", ("bytes", byteCount))
                dropOldest(beside: files.name, byteCount: byteCount)
            } catch {
                log.warning("packed weights cannot be kept", ("error", error))
            }
        }
    }

    /// Drops what is kept of a model.
    func discard(_ path: String, _ weightType: WorkerLoadOptions.WeightType?) {
        remove(Self.name(path, weightType))
    }

    private func dropOldest(beside newest: String, byteCount: Int) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let others = names.filter { $0.hasSuffix(Self.suffix) && $0 != newest }
        let files = others.compactMap { name -> StoredFile? in
            var status = stat()
            // Safety: `status` is writable and the path a NUL-terminated copy.
            guard unsafe stat("\(directory)/\(name)", &status) == 0 else { return nil }
            return StoredFile(
                name: name,
                byteCount: Int(status.st_size),
                lastUse: status.st_mtim.tv_sec
            )
        }
        for name in Self.victims(among: files, for: byteCount, capacity: capacity) {
            remove(name)
        }
    }

    /// Whoever has the file mapped keeps it.
    private func remove(_ name: String) {
        // Safety: the string outlives the call as a NUL-terminated copy.
        guard unsafe unlink("\(directory)/\(name)") == 0 else { return }
        log.info("packed weights dropped", ("file", name))
    }

    // MARK: Policy

    struct StoredFile: Sendable, Hashable {
        let name: String
        let byteCount: Int
        /// Seconds since 1970.
        let lastUse: Int
    }

    /// The files that go so that there is room for another one of `byteCount`: those not used for
    /// longest.
    static func victims(among files: [StoredFile], for byteCount: Int, capacity: Int) -> [String] {
        var taken = files.reduce(byteCount) { $0 + $1.byteCount }
        return files.sorted { ($0.lastUse, $0.name) < ($1.lastUse, $1.name) }.prefix { file in
            guard taken > capacity else { return false }
            taken -= file.byteCount
            return true
        }.map(\.name)
    }

    /// The file's name: a sum of the path, and the type.
    ///
    /// Two paths with one sum would only displace each other: the file says whose it is.
    static func name(_ path: String, _ weightType: WorkerLoadOptions.WeightType?) -> String {
        let digits = String(FNV1a.sum(of: path), radix: 16)
        let padding = String(repeating: "0", count: 16 - digits.count)
        let type = weightType.map { "-\($0.name)" } ?? ""
        return padding + digits + type + suffix
    }

    /// What the file system has left; half of it stays so.
    private static func freeByteCount(_ directory: String) -> Int {
        var status = statvfs()
        // Safety: `status` is writable and the path a NUL-terminated copy.
        guard unsafe statvfs(directory, &status) == 0 else { return 0 }
        return Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    }
}

/// The files of packed weights that one worker gets.
final class WeightCacheFiles: Sendable {
    /// What they are called in the cache's directory.
    let name: String
    /// What an earlier worker wrote, if there is something.
    let stored: OpenedFile?
    /// Open for writing, as long as nothing was put in its place; nil if nothing is to be written.
    let outputDescriptor: Int32?
    private let output: Mutex<ReplacementFile?>

    init(_ name: String, stored: OpenedFile?, output: sending ReplacementFile?) {
        self.name = name
        self.stored = stored
        outputDescriptor = output?.rawValue
        self.output = Mutex(output)
    }

    /// Puts the output in its place; only the first time.
    ///
    /// - Returns: Its length in bytes; nil if there is no output any more.
    /// - Throws: What failed; the output is lost then.
    func finish() throws(SystemError) -> Int? {
        try output.withLock { output throws(SystemError) in
            defer { output = nil }
            guard let file = output else { return nil }
            let byteCount = try file.byteCount()
            try file.finish()
            return byteCount
        }
    }
}

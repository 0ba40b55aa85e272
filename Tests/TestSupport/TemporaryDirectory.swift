import Foundation

/// A new empty directory that is removed, with what is in it, when the last reference goes.
package final class TemporaryDirectory: Sendable {
    /// Where it is.
    package let url: URL
    /// Where it is, as a path.
    package var path: String { url.path }

    /// Makes the directory below the system's place for temporary files.
    package init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("torii-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// The path of a file in the directory.
    package func file(_ name: String) -> String {
        url.appendingPathComponent(name).path
    }

    /// Writes a file into the directory and gives back its path.
    package func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: url.appendingPathComponent(name))
        return file(name)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}

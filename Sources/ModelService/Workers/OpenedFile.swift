import Platform

/// A file for a worker, open as long as the object lives.
final class OpenedFile: Sendable {
    let file: ReadOnlyFile

    init(path: String) throws(SystemError) { file = try ReadOnlyFile.open(path: path) }
}

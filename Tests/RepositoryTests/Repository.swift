import Foundation

/// The files of this repository that git knows or would add, as repository tests see them.
struct Repository {
    struct File {
        /// The path from the root, with `/` between parts.
        let path: String
        let bytes: [UInt8]
        let text: String
        /// The text in lines, line feeds left out.
        let lines: [Substring]
        /// The code alone; empty for files that are neither Swift nor C.
        let code: StrippedSource

        init(path: String, bytes: [UInt8]) {
            self.path = path
            self.bytes = bytes
            text = String(decoding: bytes, as: UTF8.self)
            lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let isSource = [".swift", ".c", ".h"].contains { path.hasSuffix($0) }
            code = StrippedSource(isSource ? text : "")
        }

        var name: String { String(path.split(separator: "/").last ?? "") }
        var isSwift: Bool { path.hasSuffix(".swift") }
        var isC: Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }
        func isIn(_ folder: String) -> Bool { path.hasPrefix(folder + "/") }
    }

    let root: String
    let files: [File]

    /// Everything but what `.gitignore` names, so that a fresh file is checked before it is added.
    static func load() throws -> Repository {
        let root = String(#filePath.dropLast("/Tests/RepositoryTests/Repository.swift".count))
        let list = Process()
        let output = Pipe()
        list.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        list.arguments = [
            "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard",
        ]
        list.standardOutput = output
        try list.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        list.waitUntilExit()
        guard list.terminationStatus == 0 else { throw NotACheckout(root: root) }
        let paths = Set(bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
        let files = paths.sorted().compactMap { path -> File? in
            guard let data = FileManager.default.contents(atPath: root + "/" + path) else {
                return nil
            }
            return File(path: path, bytes: [UInt8](data))
        }
        return Repository(root: root, files: files)
    }

    struct NotACheckout: Error, CustomStringConvertible {
        let root: String
        var description: String { "git cannot list \(root): repository tests need a git checkout" }
    }

    func file(_ path: String) -> File? {
        files.first { $0.path == path }
    }

    func isExecutable(_ path: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: root + "/" + path)
    }
}

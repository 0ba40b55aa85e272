import Foundation

/// An executable that the package builds beside the tests.
package enum BuiltExecutable {
    /// The path of the executable called `name`, in the folder of the running tests' executable.
    package static func path(_ name: String) throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        // `swift test` runs the tests in its own executable or in the package's, by platform.
        let candidates = [tests, CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? tests]
        for candidate in candidates {
            let folder = URL(fileURLWithPath: candidate).deletingLastPathComponent()
            let path = folder.appendingPathComponent(name).path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Missing(name: name)
    }

    /// The executable has not been built.
    package struct Missing: Error, CustomStringConvertible {
        package let name: String

        package var description: String { "\(name) is not built; run `swift build --build-tests`" }
    }
}

import Foundation

/// Files with expectations, made by scripts, in the folder `Golden` of a test target.
package enum Golden {
    /// The text of a file in the folder `Golden` beside the calling test's source file.
    package static func contents(_ name: String, besides file: String = #filePath) throws -> String
    {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        return try String(
            contentsOf: folder.appendingPathComponent("Golden/\(name)"),
            encoding: .utf8
        )
    }
}

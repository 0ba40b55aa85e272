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

    /// The bytes that hexadecimal digits stand for.
    package static func bytes(hexadecimal text: Substring) -> [UInt8] {
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }
}

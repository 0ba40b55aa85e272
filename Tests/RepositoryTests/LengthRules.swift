/// How long files, functions and lines may be.
enum LengthRules {
    static let maximumFileLineCount = 400
    static let maximumFunctionLineCount = 70
    static let maximumLineLength = 100

    static func check(_ file: Repository.File) -> [Finding] {
        guard file.isSwift || file.isC else { return [] }
        return fileLength(file) + functionLengths(file) + lineLengths(file)
    }

    private static func fileLength(_ file: Repository.File) -> [Finding] {
        let newline = UInt8(ascii: "\n")
        let ends = file.bytes.count { $0 == newline }
        let count = ends + (file.bytes.last.map { $0 != newline } == true ? 1 : 0)
        guard count > maximumFileLineCount else { return [] }
        return [
            Finding(
                .fileLength,
                file.path,
                "\(count) lines, at most \(maximumFileLineCount): move one concern to its own file"
            )
        ]
    }

    private static func functionLengths(_ file: Repository.File) -> [Finding] {
        let source = file.code
        let functions = file.isSwift ? source.swiftFunctions() : source.cFunctions()
        return functions.filter { $0.lineCount > maximumFunctionLineCount }.map {
            Finding(
                .functionLength,
                file.path,
                line: $0.line,
                subject: $0.name,
                "`\($0.name)` has \($0.lineCount) lines, at most \(maximumFunctionLineCount): "
                    + "give its parts names of their own"
            )
        }
    }

    /// Swift's width is the formatter's business; C has no formatter here.
    private static func lineLengths(_ file: Repository.File) -> [Finding] {
        guard file.isC else { return [] }
        let lines = file.lines
        return lines.enumerated().filter { $0.element.count > maximumLineLength }.map {
            Finding(
                .lineLength,
                file.path,
                line: $0.offset + 1,
                "\($0.element.count) columns, at most \(maximumLineLength)"
            )
        }
    }
}

/// Cuts what a process writes to its log into lines, and keeps the last of them.
///
/// Pure. What is passed on are whole lines, so that the lines of several processes do not mix; a line
/// that grows too long is cut.
struct LogTail: Sendable, Hashable {
    /// The last lines without their ends, oldest first; what is no UTF-8 is repaired.
    private(set) var lines: [String] = []

    /// A line that has not ended yet.
    private var rest: [UInt8] = []

    static let maximumLineCount = 20
    static let maximumLineByteCount = 2048

    /// Takes bytes as they come; returns the lines that they complete, with their ends.
    mutating func append(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var complete: [UInt8] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") { rest.append(byte) }
            guard byte == UInt8(ascii: "\n") || rest.count >= Self.maximumLineByteCount else {
                continue
            }
            complete += endLine()
        }
        return complete
    }

    /// The process writes no more; returns the line that it did not end.
    mutating func finish() -> [UInt8] {
        rest.isEmpty ? [] : endLine()
    }

    private mutating func endLine() -> [UInt8] {
        defer { rest = [] }
        if lines.count == Self.maximumLineCount { lines.removeFirst() }
        lines.append(String(decoding: rest, as: UTF8.self))
        return rest + [UInt8(ascii: "\n")]
    }
}

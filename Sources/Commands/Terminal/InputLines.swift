import Glibc

/// Standard input, line by line or whole; blocks its thread.
///
/// Confined to one thread.
struct InputLines {
    private var buffer: [UInt8] = []
    private var isAtEnd = false

    /// The next line without its line feed, or nil at the end of the input.
    mutating func next() -> String? {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeSubrange(...end)
                return line
            }
            if isAtEnd {
                guard !buffer.isEmpty else { return nil }
                defer { buffer = [] }
                return String(decoding: buffer, as: UTF8.self)
            }
            readMore()
        }
    }

    /// Everything up to the end, cut at `maximumByteCount`.
    mutating func rest(maximumByteCount: Int) -> String {
        while !isAtEnd, buffer.count < maximumByteCount { readMore() }
        return String(decoding: buffer.prefix(maximumByteCount), as: UTF8.self)
    }

    private mutating func readMore() {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        // Safety: `chunk` owns `chunk.count` writable bytes.
        let count = unsafe chunk.withUnsafeMutableBytes { buffer in
            unsafe read(STDIN_FILENO, buffer.baseAddress, buffer.count)
        }
        if count > 0 {
            buffer += chunk[..<count]
        } else if count == 0 || errno != EINTR {
            isAtEnd = true
        }
    }
}

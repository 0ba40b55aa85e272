/// Puts a body of transfer chunks together (RFC 9112 §7.1).
struct ChunkedDecoder: Sendable {
    private enum Phase {
        case size
        case bytes(remaining: Int)
        case end
        case trailers
    }

    private let limits: HTTPLimits
    private let maximumBodyByteCount: Int
    private var phase = Phase.size
    private var reader = LineReader()
    private var bodyByteCount = 0
    private var overheadByteCount = 0
    private var trailersByteCount = 0

    init(limits: HTTPLimits, maximumBodyByteCount: Int) {
        self.limits = limits
        self.maximumBodyByteCount = maximumBodyByteCount
    }

    /// Takes bytes from `input` at `index` and appends the body's to `body`; returns whether the
    /// body is complete, trailers included.
    mutating func decode(
        _ input: borrowing Span<UInt8>,
        from index: inout Int,
        into body: inout [UInt8]
    ) throws(HTTPParseError) -> Bool {
        while true {
            switch phase {
            case .size:
                let maximum = 16 + limits.maximumChunkExtensionByteCount
                guard
                    try reader.read(
                        input,
                        from: &index,
                        maximumByteCount: maximum,
                        tooLong: .invalidChunkExtension
                    )
                else { return false }
                try startChunk()
            case .bytes(let remaining):
                let count = min(remaining, input.count - index)
                body.append(input, index..<(index + count))
                index += count
                guard count == remaining else {
                    phase = .bytes(remaining: remaining - count)
                    return false
                }
                phase = .end
            case .end:
                guard
                    try reader.read(
                        input,
                        from: &index,
                        maximumByteCount: 0,
                        tooLong: .missingChunkEnd
                    )
                else { return false }
                phase = .size
                reader.reset()
            case .trailers:
                let left = max(0, limits.maximumTrailersByteCount - trailersByteCount - 2)
                let tooLong = HTTPParseError.trailersTooLong(
                    maximumByteCount: limits.maximumTrailersByteCount
                )
                guard
                    try reader.read(input, from: &index, maximumByteCount: left, tooLong: tooLong)
                else { return false }
                if reader.line.isEmpty { return true }
                trailersByteCount += reader.line.count + 2
                try checkTrailer()
                reader.reset()
            }
        }
    }

    /// Trailers are checked and thrown away: none becomes a header.
    ///
    /// Those that would change how the request is read or trusted are refused (RFC 9110 §6.5.1).
    private func checkTrailer() throws(HTTPParseError) {
        guard let field = try? FieldLine(parsing: reader.line) else { throw .invalidTrailer }
        let forbidden = ["Authorization", "Content-Length", "Host", "Transfer-Encoding"]
        if forbidden.contains(where: { HTTPHeaders.isSame($0, field.name) }) {
            throw .invalidTrailer
        }
    }

    /// Reads the size line: `1*HEXDIG [";" extension]`.
    private mutating func startChunk() throws(HTTPParseError) {
        let line = reader.line
        let end = line.firstIndex(of: 0x3b) ?? line.count
        guard (1...16).contains(end) else { throw .invalidChunkSize }
        var size: UInt64 = 0
        for byte in line[..<end] {
            guard let digit = byte.hexadecimalValue else { throw .invalidChunkSize }
            size = size << 4 | UInt64(digit)
        }
        let extensions = line[end...]
        guard extensions.count <= limits.maximumChunkExtensionByteCount,
            extensions.allSatisfy(\.isFieldValueByte)
        else { throw .invalidChunkExtension }
        guard size <= UInt64(maximumBodyByteCount - bodyByteCount) else {
            throw .bodyTooLong(maximumByteCount: maximumBodyByteCount)
        }
        // The line, its CRLF, and the CRLF after the bytes.
        overheadByteCount += line.count + 4
        bodyByteCount += Int(size)
        guard overheadByteCount - bodyByteCount <= limits.maximumChunkOverheadByteCount else {
            throw .tooMuchChunkOverhead
        }
        reader.reset()
        phase = size == 0 ? .trailers : .bytes(remaining: Int(size))
    }
}

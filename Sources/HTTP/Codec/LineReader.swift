/// Gathers one line that ends in CRLF out of any number of pieces.
struct LineReader: Sendable {
    /// The line without its CRLF, once `read` has returned `true`.
    private(set) var line: [UInt8] = []

    /// Forgets the line and makes ready for the next one.
    mutating func reset() {
        line.removeAll(keepingCapacity: line.capacity <= 4096)
    }

    /// Takes bytes from `input` at `index` up to the end of the line; returns whether it is whole.
    ///
    /// The outcome does not depend on how the input is cut into pieces: length is judged first,
    /// then the line end, then stray CRs.
    ///
    /// - Throws: `tooLong` for a line above `maximumByteCount`, `bareLineFeed` or
    ///   `bareCarriageReturn`.
    mutating func read(
        _ input: borrowing Span<UInt8>,
        from index: inout Int,
        maximumByteCount: Int,
        tooLong: HTTPParseError
    ) throws(HTTPParseError) -> Bool {
        // One line end is CR and LF, so two bytes more than the content are taken at most.
        let end = min(input.count, index + maximumByteCount + 2 - line.count)
        let start = index
        while index < end && input[index] != 0x0a { index += 1 }
        line.append(input, start..<index)
        guard index < end else {
            if line.count > maximumByteCount + 1 { throw tooLong }
            return false
        }
        index += 1
        guard line.last == 0x0d else {
            throw line.count > maximumByteCount ? tooLong : .bareLineFeed
        }
        line.removeLast()
        if line.count > maximumByteCount { throw tooLong }
        if line.contains(0x0d) { throw .bareCarriageReturn }
        return true
    }
}

extension [UInt8] {
    /// Appends a range of a span in one go.
    mutating func append(_ span: borrowing Span<UInt8>, _ range: Range<Int>) {
        if range.isEmpty { return }
        // Safety: the buffer is used only inside the closure, and the range is checked by the slice.
        unsafe span.extracting(range).withUnsafeBufferPointer { buffer in
            unsafe append(contentsOf: buffer)
        }
    }
}

/// Text that remembers for each byte whether it is the template's own or came from data.
///
/// The bytes are valid UTF-8. Comparison, search and hashing work on bytes, as Python's strings compare by
/// code points; nothing here uses Swift's canonical equivalence. Provenance alternates at each
/// boundary, so text of one provenance, by far the most frequent, needs no list.
struct MarkedText: Sendable {
    private(set) var bytes: [UInt8]
    /// The provenance of the first byte; without meaning while the text is empty.
    private var startsTrusted: Bool
    /// Offsets where provenance changes: ascending, inside the text, never 0 and never its length.
    private var boundaries: [Int] = []

    /// An empty text.
    init() {
        bytes = []
        startsTrusted = true
    }

    init(_ text: String, isTrusted: Bool) {
        self.init(bytes: Array(text.utf8), isTrusted: isTrusted)
    }

    /// Takes bytes, which must be valid UTF-8.
    init(bytes: [UInt8], isTrusted: Bool) {
        self.bytes = bytes
        startsTrusted = isTrusted
    }

    var count: Int { bytes.count }

    var isEmpty: Bool { bytes.isEmpty }

    /// Whether the whole text is the template's own.
    var isTrusted: Bool { isEmpty || (startsTrusted && boundaries.isEmpty) }

    /// The text without its provenance.
    var string: String { String(decoding: bytes, as: UTF8.self) }

    private var endsTrusted: Bool { startsTrusted != (boundaries.count % 2 == 1) }

    /// The pieces of one provenance each, in order.
    var runs: [(range: Range<Int>, isTrusted: Bool)] { runs(in: 0..<count) }

    /// The pieces of one provenance each inside a range of byte offsets.
    func runs(in range: Range<Int>) -> [(range: Range<Int>, isTrusted: Bool)] {
        guard !range.isEmpty else { return [] }
        if boundaries.isEmpty { return [(range, startsTrusted)] }
        var next = boundaryCount(notAfter: range.lowerBound)
        var runs: [(range: Range<Int>, isTrusted: Bool)] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let end =
                next < boundaries.count ? min(boundaries[next], range.upperBound) : range.upperBound
            runs.append((start..<end, startsTrusted != (next % 2 == 1)))
            start = end
            next += 1
        }
        return runs
    }

    /// Whether the byte at an offset is the template's own.
    func isTrusted(at offset: Int) -> Bool {
        startsTrusted != (boundaryCount(notAfter: offset) % 2 == 1)
    }

    private func boundaryCount(notAfter offset: Int) -> Int {
        var low = 0
        var high = boundaries.count
        while low < high {
            let middle = (low + high) / 2
            if boundaries[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Appends valid UTF-8 of one provenance.
    mutating func append(contentsOf other: some Collection<UInt8>, isTrusted: Bool) {
        guard !other.isEmpty else { return }
        markEnd(isTrusted: isTrusted)
        bytes.append(contentsOf: other)
    }

    mutating func append(_ other: MarkedText) {
        guard !other.isEmpty else { return }
        if isEmpty {
            self = other
            return
        }
        let offset = count
        markEnd(isTrusted: other.startsTrusted)
        bytes.append(contentsOf: other.bytes)
        for boundary in other.boundaries { boundaries.append(offset + boundary) }
    }

    /// Appends the part of another text between two byte offsets, which must not split a character.
    mutating func append(_ other: MarkedText, in range: Range<Int>) {
        for run in other.runs(in: range) {
            append(contentsOf: other.bytes[run.range], isTrusted: run.isTrusted)
        }
    }

    private mutating func markEnd(isTrusted: Bool) {
        if isEmpty {
            startsTrusted = isTrusted
        } else if endsTrusted != isTrusted {
            boundaries.append(count)
        }
    }

    /// The part between two byte offsets, which must not split a character.
    subscript(range: Range<Int>) -> MarkedText {
        if range == 0..<count { return self }
        var part = MarkedText()
        part.append(self, in: range)
        return part
    }

    /// Several texts one after another.
    static func joined(_ parts: [MarkedText]) -> MarkedText {
        var text = MarkedText()
        text.bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { text.append(part) }
        return text
    }
}

extension MarkedText: Hashable {
    static func == (left: MarkedText, right: MarkedText) -> Bool { left.bytes == right.bytes }

    func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

extension MarkedText: Comparable {
    /// Compares by bytes, which for UTF-8 is the order of code points.
    static func < (left: MarkedText, right: MarkedText) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

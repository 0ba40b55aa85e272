/// Looks for markers in a stream of bytes and holds back no more than what may still become one,
/// together with the white space before it.
struct MarkerMatcher: Sendable {
    /// What to do after a byte.
    enum Match: Sendable, Hashable {
        /// The first so many held bytes are no part of a marker.
        case released(Int)
        /// The marker with this index is complete; the bytes before it are white space.
        case marker(Int)
    }

    private let markers: [[UInt8]]

    /// Looks for any of these; of two that begin alike the one that is complete first wins.
    init(_ markers: [String]) {
        self.markers = markers.map { Array($0.utf8) }
    }

    /// Bytes of a marker.
    func length(_ index: Int) -> Int { markers[index].count }

    /// Takes a look at bytes of which the last one is new.
    func match(_ held: [HeldByte]) -> Match {
        var start = 0
        while start < held.count {
            var markStart = start
            while markStart < held.count, JSONScanner.isSpace(held[markStart].value) {
                markStart += 1
            }
            let candidate = held[markStart...]
            if candidate.isEmpty { return .released(start) }
            var isOpen = false
            for (index, marker) in markers.enumerated()
            where marker.count >= candidate.count
                && candidate.indices.allSatisfy({ held[$0].value == marker[$0 - markStart] })
            {
                if marker.count == candidate.count, start == 0 { return .marker(index) }
                isOpen = true
            }
            if isOpen { return .released(start) }
            start = markStart + 1
        }
        return .released(held.count)
    }
}

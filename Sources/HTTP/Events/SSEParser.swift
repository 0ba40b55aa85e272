/// Splits a stream of bytes into server-sent events (WHATWG HTML §9.2.6), for clients.
package struct SSEParser: Sendable {
    /// One event that has data.
    package struct Event: Sendable, Hashable {
        /// The `event` field, empty if there was none.
        package var name: String
        /// The data lines, joined by LF.
        package var data: String
    }

    /// An event is longer than the limit.
    package struct TooLong: Error, Sendable, Hashable {
        /// The limit that was exceeded.
        package let maximumByteCount: Int
    }

    private let maximumEventByteCount: Int
    private var line: [UInt8] = []
    private var endedInReturn = false
    private var isAtStart = true
    private var name: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false

    /// A parser at the beginning of a stream; `maximumEventByteCount` bounds what it keeps.
    package init(maximumEventByteCount: Int = 16 << 20) {
        self.maximumEventByteCount = maximumEventByteCount
    }

    /// Takes in bytes and returns the events that are complete with them.
    package mutating func append(_ bytes: [UInt8]) throws(TooLong) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            if byte == 10 && endedInReturn {
                endedInReturn = false
                continue
            }
            endedInReturn = byte == 13
            if byte == 10 || byte == 13 {
                if let event = endLine() { events.append(event) }
            } else {
                guard line.count + data.count < maximumEventByteCount else {
                    throw TooLong(maximumByteCount: maximumEventByteCount)
                }
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() -> Event? {
        defer { line.removeAll(keepingCapacity: true) }
        if isAtStart {
            isAtStart = false
            if line.starts(with: [0xef, 0xbb, 0xbf]) { line.removeFirst(3) }
        }
        if line.isEmpty {
            defer {
                name = []
                data = []
                hasData = false
            }
            guard hasData else { return nil }
            return Event(
                name: String(decoding: name, as: UTF8.self),
                data: String(decoding: data, as: UTF8.self)
            )
        }
        let colon = line.firstIndex(of: 0x3a) ?? line.count
        var value = line[min(colon + 1, line.count)...]
        if value.first == 0x20 { value = value.dropFirst() }
        if line[..<colon].elementsEqual("data".utf8) {
            if hasData { data.append(10) }
            data += value
            hasData = true
        } else if line[..<colon].elementsEqual("event".utf8) {
            name = Array(value)
        }
        return nil
    }
}

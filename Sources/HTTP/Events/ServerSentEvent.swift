/// The bytes of server-sent events (WHATWG HTML §9.2).
package enum ServerSentEvent {
    /// One event: an `event:` line if named, a `data:` line per line of `data`, and the empty line.
    ///
    /// `event` must not contain a line end.
    package static func serialize(data: String, event: String? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.utf8.count + 16)
        if let event {
            precondition(!event.utf8.contains { $0 == 10 || $0 == 13 }, "an event name is one line")
            bytes += "event: ".utf8
            bytes += event.utf8
            bytes.append(10)
        }
        append(data: data.utf8, to: &bytes)
        return bytes
    }

    /// One event whose data is already UTF-8 text in bytes, such as JSON.
    package static func serialize(data: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + 16)
        append(data: data, to: &bytes)
        return bytes
    }

    /// A comment, which clients skip: keeps a silent connection alive.
    ///
    /// `text` is one line.
    package static func comment(_ text: String) -> [UInt8] {
        precondition(!text.utf8.contains { $0 == 10 || $0 == 13 }, "a comment is one line")
        return Array(": \(text)\n\n".utf8)
    }

    private static func append(data: some Collection<UInt8>, to bytes: inout [UInt8]) {
        bytes += "data: ".utf8
        var endsInReturn = false
        for byte in data {
            // LF, CR and CRLF all end a line; each line needs its own field name.
            if byte == 10 && endsInReturn {
                endsInReturn = false
                continue
            }
            endsInReturn = byte == 13
            if byte == 10 || byte == 13 {
                bytes += "\ndata: ".utf8
            } else {
                bytes.append(byte)
            }
        }
        bytes += [10, 10]
    }
}

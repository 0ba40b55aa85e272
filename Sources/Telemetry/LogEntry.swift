/// One entry of the log, before it becomes a line.
package struct LogEntry: Sendable, Equatable {
    /// A fixed word and its value as text.
    package struct Field: Sendable, Equatable {
        /// A fixed word in lower case.
        package let key: String
        /// Any text; `line` escapes and cuts it.
        package let value: String

        /// A field of the given key and value.
        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The longest value that a line shows, in bytes of UTF-8 before escaping.
    package static let maximumValueByteCount = 1024

    /// How urgent it is.
    package let level: LogLevel
    /// A fixed sentence without variable parts, so that entries can be searched for.
    package let message: String
    /// What varies, in the order given.
    package let fields: [Field]

    /// An entry of the given level, message and fields.
    package init(level: LogLevel, message: String, fields: [Field]) {
        self.level = level
        self.message = message
        self.fields = fields
    }

    /// The entry as one line without its line feed: the message, then `key=value` fields.
    package var line: String {
        var line = ""
        Self.append(Self.cut(message), to: &line)
        for field in fields {
            line += " "
            Self.append(field.key, to: &line)
            line += "="
            Self.appendValue(field.value, to: &line)
        }
        return line
    }

    /// A value is quoted when it is empty or holds what would end or split it.
    private static func appendValue(_ value: String, to line: inout String) {
        let shown = cut(value)
        let needsQuotes =
            shown.isEmpty
            || shown.unicodeScalars.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0 == "\\" }
        guard needsQuotes else { return append(shown, to: &line) }
        line += "\""
        append(shown, to: &line, escapingQuotes: true)
        line += "\""
    }

    private static func append(
        _ text: String,
        to line: inout String,
        escapingQuotes: Bool = false
    ) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case "\"", "\\":
                if escapingQuotes { line += "\\" }
                line.unicodeScalars.append(scalar)
            case _ where breaksLine(scalar):
                line += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: line.unicodeScalars.append(scalar)
            }
        }
    }

    /// Control characters, line separators and the bidirectional overrides that reorder a terminal.
    private static func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// The value as far as logs show it: `maximumValueByteCount` bytes.
    package static func cut(_ text: String) -> String {
        guard text.utf8.count > maximumValueByteCount else { return text }
        var kept = String.UnicodeScalarView()
        var byteCount = 0
        for scalar in text.unicodeScalars {
            byteCount += UTF8.width(scalar)
            guard byteCount <= maximumValueByteCount else { break }
            kept.append(scalar)
        }
        return String(kept) + "…"
    }
}

/// Finds the first mistake in JSON5 text, because Foundation's decoder does not say where it is.
///
/// Finds the line of a key too, for mistakes that are not of the syntax.
///
/// Only recognises; the values are the decoder's. The grammar is <https://spec.json5.org>, except
/// that numbers and bare words are taken as runs of their characters.
struct JSON5Syntax {
    /// Where a mistake is, both counted from 1, and what was expected there.
    struct Mistake: Error, Equatable {
        let line: Int
        let column: Int
        let message: String
    }

    private static let maximumDepth = 64

    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0
    /// Keys and indices from the outermost object to where the value in hand is.
    private var path: [String] = []
    /// The path that is looked for, and how much of it was found where.
    private var wanted: [String] = []
    private var found: (depth: Int, position: Int)?

    /// The first mistake in `bytes`, or nil when they are well-formed.
    static func firstError(in bytes: [UInt8]) -> Mistake? {
        var syntax = JSON5Syntax(bytes: bytes)
        do throws(Mistake) {
            try syntax.skipSpace()
            try syntax.value()
            try syntax.skipSpace()
            if syntax.current != nil { throw syntax.mistake("nothing may follow the last `}`") }
            return nil
        } catch {
            return error
        }
    }

    /// The line, counted from 1, of the member that `path` leads to, or of the nearest one around it
    /// that is there; nil if there is none.
    ///
    /// `bytes` must be well-formed, and keys written without escapes.
    static func line(of path: [String], in bytes: [UInt8]) -> Int? {
        var syntax = JSON5Syntax(bytes: bytes)
        syntax.wanted = path
        do throws(Mistake) {
            try syntax.skipSpace()
            try syntax.value()
        } catch {
            return nil
        }
        guard let position = syntax.found?.position else { return nil }
        return bytes[..<position].count { $0 == UInt8(ascii: "\n") } + 1
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private func mistake(_ message: String, at position: Int? = nil) -> Mistake {
        let before = bytes[..<min(position ?? index, bytes.count)]
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let column = String(decoding: before[start...], as: UTF8.self).count + 1
        return Mistake(line: line, column: column, message: message)
    }

    private mutating func value() throws(Mistake) {
        switch current {
        case UInt8(ascii: "{"):
            try members(until: UInt8(ascii: "}")) { (syntax) throws(Mistake) in
                let start = syntax.index
                try syntax.enter(syntax.key(), at: start)
                try syntax.skipSpace()
                guard syntax.current == UInt8(ascii: ":") else {
                    throw syntax.mistake("expected `:` after the key")
                }
                syntax.index += 1
                try syntax.skipSpace()
                try syntax.value()
                syntax.path.removeLast()
            }
        case UInt8(ascii: "["):
            var count = 0
            try members(until: UInt8(ascii: "]")) { (syntax) throws(Mistake) in
                syntax.enter("\(count)", at: syntax.index)
                try syntax.value()
                syntax.path.removeLast()
                count += 1
            }
        case UInt8(ascii: "\""), UInt8(ascii: "'"): try string()
        default:
            guard word(isKey: false) else {
                throw mistake(current == nil ? "the text ends too early" : "expected a value")
            }
        }
    }

    private mutating func members(
        until end: UInt8,
        member: (inout JSON5Syntax) throws(Mistake) -> Void
    ) throws(Mistake) {
        let start = index
        let opening = UnicodeScalar(bytes[start])
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw mistake("nested too deeply") }
        index += 1
        while true {
            try skipSpace()
            if current == end { break }
            if current == nil { throw mistake("this `\(opening)` is never closed", at: start) }
            try member(&self)
            try skipSpace()
            if current == UInt8(ascii: ",") {
                index += 1
            } else if current != end {
                guard current != nil else {
                    throw mistake("this `\(opening)` is never closed", at: start)
                }
                throw mistake("expected `,` or `\(UnicodeScalar(end))`")
            }
        }
        index += 1
    }

    /// Goes into the member `name`, whose key or value begins at `position`.
    private mutating func enter(_ name: String, at position: Int) {
        path.append(name)
        guard path.count > found?.depth ?? 0, wanted.starts(with: path) else { return }
        found = (path.count, position)
    }

    /// The key as it is written, without its quotes.
    private mutating func key() throws(Mistake) -> String {
        let start = index
        if current == UInt8(ascii: "\"") || current == UInt8(ascii: "'") {
            try string()
            return String(decoding: bytes[(start + 1)..<(index - 1)], as: UTF8.self)
        }
        guard word(isKey: true) else { throw mistake("expected a key") }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func string() throws(Mistake) {
        let start = index
        let quote = bytes[index]
        index += 1
        while let byte = current, byte != quote {
            if byte == UInt8(ascii: "\n") { break }
            index += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        guard current == quote else { throw mistake("this text is never closed", at: start) }
        index += 1
    }

    /// A number, `true`, `null` or a bare key.
    private mutating func word(isKey: Bool) -> Bool {
        let start = index
        while let byte = current {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
                index += 1
            case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                if isKey { return index > start }
                index += 1
            default: return isValid(bytes[start..<index], isKey: isKey)
            }
        }
        return isValid(bytes[start..<index], isKey: isKey)
    }

    private func isValid(_ word: ArraySlice<UInt8>, isKey: Bool) -> Bool {
        guard let first = word.first else { return false }
        if isKey { return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) }
        let text = String(decoding: word, as: UTF8.self)
        if ["true", "false", "null", "Infinity", "NaN"].contains(text) { return true }
        return "+-.0123456789".utf8.contains(first)
    }

    /// White space and comments.
    private mutating func skipSpace() throws(Mistake) {
        while let byte = current {
            if byte == 0x20 || (0x09...0x0D).contains(byte) {
                index += 1
            } else if bytes[index...].starts(with: "//".utf8) {
                while current != nil, current != UInt8(ascii: "\n") { index += 1 }
            } else if bytes[index...].starts(with: "/*".utf8) {
                try skipBlockComment()
            } else {
                return
            }
        }
    }

    private mutating func skipBlockComment() throws(Mistake) {
        let start = index
        index += 2
        while !bytes[min(index, bytes.count)...].starts(with: "*/".utf8) {
            guard current != nil else { throw mistake("this comment is never closed", at: start) }
            index += 1
        }
        index += 2
    }
}

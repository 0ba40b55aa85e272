/// The escapes of RFC 3986 §2.1 in paths and queries.
enum PercentEncoding {
    /// The text with every `%NN` replaced; one with a malformed escape, or with bytes that are no
    /// UTF-8, stays as it is, and names nothing then.
    static func undone(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
                let decoded = UInt8(digits, radix: 16)
            else { return String(text) }
            bytes.append(decoded)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self) ?? String(text)
    }

    /// The parts of a query, `name=value`; of two with the same name the last one counts.
    static func items(ofQuery query: String?) -> [String: String] {
        var items: [String: String] = [:]
        for part in (query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { items[undone(pair[0])] = undone(pair[1]) }
        }
        return items
    }
}

/// Swift or C source with comments and literals blanked out, so that rules see code only.
///
/// Lines keep their numbers and columns. Interpolations inside strings stay visible as code.
struct StrippedSource {
    let lines: [Substring]
    let text: String

    init(_ source: String) {
        var stripper = Stripper(bytes: Array(source.utf8))
        stripper.strip()
        text = String(decoding: stripper.output, as: UTF8.self)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    private struct Stripper {
        let bytes: [UInt8]
        var output: [UInt8] = []
        var index = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
            output.reserveCapacity(bytes.count)
        }

        mutating func strip() {
            while index < bytes.count {
                stripCode(untilClosingParenthesis: false)
            }
        }

        private func has(_ text: StaticString, at offset: Int = 0) -> Bool {
            let start = index + offset
            guard start + text.utf8CodeUnitCount <= bytes.count else { return false }
            for position in 0..<text.utf8CodeUnitCount
            where bytes[start + position] != text.utf8Start[position] {
                return false
            }
            return true
        }

        private mutating func keep() {
            output.append(bytes[index])
            index += 1
        }

        private mutating func blank(_ count: Int = 1) {
            for _ in 0..<count where index < bytes.count {
                output.append(bytes[index] == UInt8(ascii: "\n") ? UInt8(ascii: "\n") : 0x20)
                index += 1
            }
        }

        /// Code up to the end, or up to the parenthesis that ends an interpolation.
        private mutating func stripCode(untilClosingParenthesis: Bool) {
            var depth = 0
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "/") where has("//"): lineComment()
                case UInt8(ascii: "/") where has("/*"): blockComment()
                case UInt8(ascii: "\""), UInt8(ascii: "#"): literalOrHash()
                case UInt8(ascii: "`"): rawIdentifier()
                case UInt8(ascii: "'"): characterLiteral()
                case UInt8(ascii: "("):
                    depth += 1
                    keep()
                case UInt8(ascii: ")"):
                    if untilClosingParenthesis && depth == 0 { return }
                    depth -= 1
                    keep()
                default: keep()
                }
            }
        }

        private mutating func lineComment() {
            while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { blank() }
        }

        private mutating func blockComment() {
            var depth = 0
            repeat {
                if has("/*") {
                    depth += 1
                    blank(2)
                } else if has("*/") {
                    depth -= 1
                    blank(2)
                } else {
                    blank()
                }
            } while depth > 0 && index < bytes.count
        }

        private mutating func rawIdentifier() {
            blank()
            while index < bytes.count, bytes[index] != UInt8(ascii: "`"),
                bytes[index] != UInt8(ascii: "\n")
            {
                output.append(UInt8(ascii: "_"))
                index += 1
            }
            blank()
        }

        /// A C character; Swift has no use for the apostrophe outside comments and strings.
        private mutating func characterLiteral() {
            blank()
            while index < bytes.count, bytes[index] != UInt8(ascii: "'"),
                bytes[index] != UInt8(ascii: "\n")
            {
                blank(bytes[index] == UInt8(ascii: "\\") ? 2 : 1)
            }
            blank()
        }

        private mutating func literalOrHash() {
            var hashCount = 0
            while index + hashCount < bytes.count, bytes[index + hashCount] == UInt8(ascii: "#") {
                hashCount += 1
            }
            guard has("\"", at: hashCount) else {
                for _ in 0..<max(1, hashCount) { keep() }
                return
            }
            let isMultiline = has("\"\"\"", at: hashCount)
            blank(hashCount + (isMultiline ? 3 : 1))
            string(hashCount: hashCount, isMultiline: isMultiline)
        }

        private func hasHashes(_ count: Int, at offset: Int) -> Bool {
            guard index + offset + count <= bytes.count else { return false }
            return bytes[(index + offset)..<(index + offset + count)]
                .allSatisfy { $0 == UInt8(ascii: "#") }
        }

        private mutating func string(hashCount: Int, isMultiline: Bool) {
            let quoteCount = isMultiline ? 3 : 1
            while index < bytes.count {
                if isMultiline ? has("\"\"\"") : has("\""), hasHashes(hashCount, at: quoteCount) {
                    return blank(quoteCount + hashCount)
                }
                if has("\\"), hasHashes(hashCount, at: 1) {
                    let isInterpolation = has("(", at: 1 + hashCount)
                    blank(2 + hashCount)
                    if isInterpolation {
                        stripCode(untilClosingParenthesis: true)
                        blank()
                    }
                } else if !isMultiline, has("\n") {
                    return
                } else {
                    blank()
                }
            }
        }
    }
}

import JSON
import WorkerProtocol

/// How answers show a token's bytes, which need not be whole UTF-8 sequences.
enum TokenText {
    /// The text, or every byte as `\xNN` when the bytes alone are no UTF-8 (OpenAI's form), so that
    /// no client ever sees a replacement character.
    static func shown(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var text = ""
        for byte in bytes {
            let digits = String(byte, radix: 16)
            text += digits.utf8.count < 2 ? "\\x0\(digits)" : "\\x\(digits)"
        }
        return text
    }

    /// A log-probability as JSON; minus infinity becomes OpenAI's -9999.
    static func logprob(_ value: Float) -> JSONValue {
        .double(value.isFinite ? Double(value) : -9999)
    }

    static func bytes(_ bytes: [UInt8]) -> JSONValue {
        .array(bytes.map { .integer(Int($0)) })
    }

    /// Characters (Unicode scalars) that begin in these bytes; adds up over split sequences.
    static func scalarCount(_ bytes: [UInt8]) -> Int {
        bytes.count { $0 & 0xC0 != 0x80 }
    }
}

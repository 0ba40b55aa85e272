/// Makes bytes valid UTF-8.
enum UTF8Repair {
    /// U+FFFD.
    static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// Takes all bytes that can be judged, with U+FFFD for each maximal part of a broken sequence
    /// (Unicode 16, section 3.9).
    ///
    /// What may still become a character, at most three bytes, stays.
    static func takeComplete(from bytes: inout [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var index = 0
        judging: while index < bytes.count {
            let lead = bytes[index]
            if lead < 0x80 {
                output.append(lead)
                index += 1
                continue
            }
            let length = leadLength(lead)
            for offset in 1..<max(length, 2) {
                guard length > 0 else { break }
                guard index + offset < bytes.count else { break judging }
                guard isContinuation(bytes[index + offset], offset: offset, lead: lead) else {
                    output.append(contentsOf: replacement)
                    index += offset
                    continue judging
                }
            }
            if length == 0 {
                output.append(contentsOf: replacement)
                index += 1
            } else {
                output.append(contentsOf: bytes[index..<index + length])
                index += length
            }
        }
        bytes.removeFirst(index)
        return output
    }

    /// The length of the character that starts with a byte; 1 if none does.
    static func sequenceLength(_ lead: UInt8) -> Int {
        max(1, lead < 0x80 ? 1 : leadLength(lead))
    }

    /// The length of the sequence that a byte of 0x80 or more leads; 0 if it leads none.
    private static func leadLength(_ lead: UInt8) -> Int {
        switch lead {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
    }

    /// Whether a byte may stand at `offset` of a sequence (Unicode 16, table 3-7).
    private static func isContinuation(_ byte: UInt8, offset: Int, lead: UInt8) -> Bool {
        guard offset == 1 else { return (0x80...0xBF).contains(byte) }
        return switch lead {
        case 0xE0: (0xA0...0xBF).contains(byte)
        case 0xED: (0x80...0x9F).contains(byte)
        case 0xF0: (0x90...0xBF).contains(byte)
        case 0xF4: (0x80...0x8F).contains(byte)
        default: (0x80...0xBF).contains(byte)
        }
    }
}

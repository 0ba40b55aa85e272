import ModelFiles

/// Byte strings side by side in one block, found by number: what each token adds to a text.
struct PieceList: Sendable {
    /// All bytes, one string after the other.
    private(set) var bytes: [UInt8] = []
    private var ends: [UInt32] = []

    init(minimumCapacity: Int, byteCapacity: Int) {
        ends.reserveCapacity(minimumCapacity)
        bytes.reserveCapacity(byteCapacity)
    }

    var count: Int { ends.count }

    /// Adds one string, appended by `write`, and gives back what that returns.
    mutating func append<Result>(_ write: (inout [UInt8]) -> Result) -> Result {
        let result = write(&bytes)
        ends.append(UInt32(bytes.count))
        return result
    }

    /// Where string number `index` lies in `bytes`.
    func range(at index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }

    /// The bytes of a token.
    subscript(token: TokenID) -> ArraySlice<UInt8> {
        bytes[range(at: Int(token))]
    }
}

extension PieceList {
    /// The bytes of tokens in a vocabulary that writes `▁` for a space and `<0x0A>` for a byte.
    ///
    /// User-defined and control tokens are written as they are.
    init(unescaping tokens: StringTable, types: [TokenType]) {
        self.init(minimumCapacity: tokens.count, byteCapacity: 8 * tokens.count)
        for index in 0..<tokens.count {
            let text = tokens.bytes[tokens.byteRange(at: index)]
            append { bytes in
                switch types[index] {
                case .normal, .unused:
                    EscapedSpace.appendUnescaped(text, to: &bytes)
                case .byte:
                    if let byte = ByteToken.byte(text) { bytes.append(byte) }
                case .unknown, .control, .userDefined:
                    bytes.append(contentsOf: text)
                }
            }
        }
    }
}

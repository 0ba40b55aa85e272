/// Why bytes from the other process are no message.
package enum WorkerProtocolError: Error, Sendable, Hashable {
    /// A frame claims more bytes than the limit, or a message to send has more.
    case frameTooLarge(byteCount: Int, maximumByteCount: Int)
    /// A field ends behind the frame's end; `field` names its kind.
    case truncated(field: String)
    /// A count is larger than what the rest of the frame can hold.
    case countTooLarge(count: UInt64, remainingByteCount: Int)
    /// A tag that no case of the type has.
    case unknownTag(type: String, tag: UInt8)
    /// A number outside the field's range.
    case valueOutOfRange(field: String)
    /// A text is not UTF-8.
    case invalidUTF8
    /// A JSON value does not parse.
    case invalidJSON
    /// Bytes follow the last field.
    case trailingBytes(count: Int)
}

extension WorkerProtocolError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .frameTooLarge(let byteCount, let maximum):
            "a frame of \(byteCount) bytes is larger than the limit of \(maximum)"
        case .truncated(let field): "a frame ends inside a field of type \(field)"
        case .countTooLarge(let count, let remaining):
            "a count of \(count) does not fit into the \(remaining) bytes left"
        case .unknownTag(let type, let tag): "\(type) has no case \(tag)"
        case .valueOutOfRange(let field): "\(field) is out of range"
        case .invalidUTF8: "a text is not UTF-8"
        case .invalidJSON: "a JSON value does not parse"
        case .trailingBytes(let count): "\(count) bytes follow the last field of a message"
        }
    }
}

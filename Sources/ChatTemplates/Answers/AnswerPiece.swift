/// A piece of a model's answer, told apart from the markup around it.
///
/// Joined in order, the pieces of one kind are the whole of that kind.
package enum AnswerPiece: Sendable, Hashable {
    /// Text for the reader; its first byte is the byte `position` of what was parsed, and the others
    /// follow without a gap.
    case content([UInt8], position: Int)
    /// Text of the model's reasoning.
    case reasoning([UInt8])
    /// A call of a function begins.
    case callStarted(name: String)
    /// More of the call's arguments: a JSON object, in UTF-8, once they are joined.
    case callArguments([UInt8])
    /// The call is whole, and so are its arguments.
    case callEnded
}

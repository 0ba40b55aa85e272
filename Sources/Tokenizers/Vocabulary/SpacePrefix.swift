/// Where a vocabulary of words wants a space in front of text that has none, so that a first word is
/// the same token as a later one.
enum SpacePrefix: Sendable, Hashable {
    case never
    /// At the begin of a text.
    case atStart
    /// At the begin of a text and behind each special token.
    case atStretches
}

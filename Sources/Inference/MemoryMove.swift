/// Memory for keys and values that an engine wants, or no longer needs.
package enum MemoryMove: Sendable, Hashable {
    /// More would be of use; ``Engine/grantMemory(_:now:)`` answers.
    case wanted(byteCount: Int)
    /// It will not be used without asking again.
    case returned(byteCount: Int)
    /// Nothing is in these blocks, so they need no memory for the moment.
    case emptied(Range<Int>)
}

/// Bounds on a JSON document, checked while it is read.
package struct JSONLimits: Sendable, Hashable {
    /// How many arrays and objects may stand inside one another.
    package var maximumDepth: Int
    /// The size of the whole document, in bytes.
    package var maximumByteCount: Int
    /// How many values the document may hold in all, counting arrays, objects and their elements.
    package var maximumNodeCount: Int

    /// The bounds for request bodies and configuration: 128 levels, 64 MiB, 2,000,000 values.
    package static let `default` = JSONLimits()

    /// Makes bounds; what is left out has the default's value.
    package init(
        maximumDepth: Int = 128,
        maximumByteCount: Int = 64 << 20,
        maximumNodeCount: Int = 2_000_000
    ) {
        self.maximumDepth = maximumDepth
        self.maximumByteCount = maximumByteCount
        self.maximumNodeCount = maximumNodeCount
    }
}

/// Bounds on reading and rendering a chat template, so that a hostile one ends with an error.
package struct ChatTemplateLimits: Sendable, Hashable {
    /// The length of a template's source, in bytes of UTF-8.
    package var maximumSourceByteCount: Int
    /// How deep expressions, statements and macro calls may be nested, together, while rendering; each
    /// level takes about 1 KiB of the thread's stack in release builds and 6 KiB in debug builds.
    package var maximumDepth: Int
    /// How many tree positions and list elements one rendering may visit; it grows by 128 for each value
    /// in the arguments.
    package var maximumStepCount: Int
    /// The length of the rendered prompt, in bytes of UTF-8.
    package var maximumOutputByteCount: Int
    /// The bytes of all texts and lists that the operations of one rendering read or make, dead ones
    /// included; it grows by 64 times the size of the arguments.
    package var maximumTouchedByteCount: Int

    /// Bounds that the templates of real models stay far below, even in conversations of thousands of
    /// messages.
    package static let `default` = ChatTemplateLimits()

    /// Makes bounds; what is left out has the default's value.
    package init(
        maximumSourceByteCount: Int = 1 << 20,
        maximumDepth: Int = 200,
        maximumStepCount: Int = 1_000_000,
        maximumOutputByteCount: Int = 64 << 20,
        maximumTouchedByteCount: Int = 64 << 20
    ) {
        self.maximumSourceByteCount = maximumSourceByteCount
        self.maximumDepth = maximumDepth
        self.maximumStepCount = maximumStepCount
        self.maximumOutputByteCount = maximumOutputByteCount
        self.maximumTouchedByteCount = maximumTouchedByteCount
    }
}

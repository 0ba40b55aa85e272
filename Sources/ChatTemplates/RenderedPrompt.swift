/// A conversation as the text that a model reads, in runs that remember where they come from.
package struct RenderedPrompt: Sendable, Hashable {
    /// A piece of text of one provenance.
    package struct Run: Sendable, Hashable {
        /// The text; never empty.
        package let text: String
        /// Whether the text is the template's own (or a special token given by the model file).
        ///
        /// False for everything that came from messages, tools or other arguments, also in part: control
        /// tokens must not be recognised there.
        package let isTrusted: Bool

        /// Makes a run.
        package init(text: String, isTrusted: Bool) {
            self.text = text
            self.isTrusted = isTrusted
        }
    }

    /// The runs in order; neighbours differ in provenance.
    package let runs: [Run]

    /// Makes a prompt of runs in order.
    package init(runs: [Run]) { self.runs = runs }

    /// The whole text.
    package var text: String { runs.map(\.text).joined() }
}

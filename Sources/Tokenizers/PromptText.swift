/// Text to encode, in runs that differ in whether they may contain special tokens.
///
/// What a template's author wrote is trusted; what came from a client (messages, tool arguments) is
/// not: a message that contains `<|im_start|>` must stay text, or its writer could speak as the system.
package struct PromptText: Sendable, Hashable {
    /// A stretch of text of one origin.
    package struct Run: Sendable, Hashable {
        /// The text.
        package var text: String
        /// Whether control tokens are recognised in it.
        package var isTrusted: Bool

        /// A stretch of text of one origin.
        package init(text: String, isTrusted: Bool) {
            self.text = text
            self.isTrusted = isTrusted
        }
    }

    /// The runs, in order.
    ///
    /// Neighbouring trusted runs count as one.
    package var runs: [Run]

    /// Text in runs.
    package init(runs: [Run]) {
        self.runs = runs
    }
}

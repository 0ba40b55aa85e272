/// How a model writes calls of functions.
///
/// A call is `start`, a body, `end`, with white space anywhere between. Some models put all calls of
/// an answer between `sectionStart` and `sectionEnd`.
package struct ToolCallSyntax: Sendable, Hashable {
    /// What is between a call's markers.
    package enum Body: Sendable, Hashable {
        /// `{"name": NAME, "arguments": {…}}` with these two keys.
        case object(name: String, arguments: String)
        /// A JSON array of such objects: all calls at once.
        case array(name: String, arguments: String)
        /// A JSON array of objects whose only key is the name: `[{NAME: {…}}]`.
        case keyedArray
        /// The name, a separator, and the arguments as a JSON object.
        case named(separator: String)
        /// The name and each argument between tags.
        case tagged(ToolCallTags)
        /// `call:NAME{key:value}`, where strings stand between two of the quote.
        case braces(quote: String)
        /// Calls as Python writes them: `[NAME(key="value")]`.
        case python
    }

    /// Begins a run of calls; empty if nothing does.
    package var sectionStart: String
    /// Ends a run of calls; empty if nothing does.
    package var sectionEnd: String
    /// Begins a call; empty if a call is known by its `{` alone.
    package var start: String
    /// What is between the markers.
    package var body: Body
    /// Ends a call; empty if the end of the body does.
    package var end: String
    /// Whether a call may stand without `start` where an answer begins.
    package var mayBeBare: Bool
    /// Whether a JSON object where an answer begins, also one between ```` ```json ```` and ```` ``` ````,
    /// is taken for a call if it names a tool: some models write that in place of the markers.
    package var readsUnmarked: Bool

    /// Makes a syntax; markers that are left out are empty.
    package init(
        sectionStart: String = "",
        start: String,
        body: Body,
        end: String = "",
        sectionEnd: String = "",
        mayBeBare: Bool = false,
        readsUnmarked: Bool = false
    ) {
        self.sectionStart = sectionStart
        self.sectionEnd = sectionEnd
        self.start = start
        self.body = body
        self.end = end
        self.readsUnmarked = readsUnmarked
        self.mayBeBare = mayBeBare || start.isEmpty && sectionStart.isEmpty
    }

    /// Whether a call may begin without a marker, in one way or the other.
    var beginsBare: Bool { mayBeBare || readsUnmarked }

    /// After a name that is written `functions.NAME:NUMBER`: Kimi's.
    package static let numberedNameSeparator = "<|tool_call_argument_begin|>"

    /// What Nous Hermes made common: also told to models whose template knows no tools.
    package static let hermes = ToolCallSyntax(
        start: "<tool_call>",
        body: .object(name: "name", arguments: "arguments"),
        end: "</tool_call>",
        readsUnmarked: true
    )
}

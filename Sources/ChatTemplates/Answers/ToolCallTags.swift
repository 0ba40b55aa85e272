/// The tags of a call that has one element for each argument.
package struct ToolCallTags: Sendable, Hashable {
    /// Before the name; empty if the call's own start stands there.
    package var functionStart: String
    /// After the name; empty if white space or the next tag ends it.
    package var nameEnd: String
    /// After the last argument.
    package var functionEnd: String
    /// Before an argument's key.
    package var parameterStart: String
    /// After the key.
    package var keyEnd: String
    /// Before the value; empty if the value follows the key's end.
    ///
    /// What stands before it is an attribute: `true` if the value is text, `false` if it is JSON.
    package var valueStart: String
    /// After the value.
    package var parameterEnd: String

    /// Qwen3-Coder's.
    package static let qwenCoder = ToolCallTags(
        functionStart: "<function=",
        nameEnd: ">",
        functionEnd: "</function>",
        parameterStart: "<parameter=",
        keyEnd: ">",
        valueStart: "",
        parameterEnd: "</parameter>"
    )

    /// GLM's: `NAME`, then `<arg_key>` and `<arg_value>` by turns.
    package static let argumentPairs = ToolCallTags(
        functionStart: "",
        nameEnd: "",
        functionEnd: "</tool_call>",
        parameterStart: "<arg_key>",
        keyEnd: "</arg_key>",
        valueStart: "<arg_value>",
        parameterEnd: "</arg_value>"
    )

    /// Elements with a `name` attribute, as MiniMax and DeepSeek write them.
    ///
    /// - Parameters:
    ///   - prefix: Between `<` and the element's name.
    ///   - isTyped: Whether a second attribute says whether the value is text.
    /// - Returns: The tags.
    package static func invocations(prefix: String, isTyped: Bool) -> ToolCallTags {
        ToolCallTags(
            functionStart: "",
            nameEnd: "\">",
            functionEnd: "</\(prefix)invoke>",
            parameterStart: "<\(prefix)parameter name=\"",
            keyEnd: isTyped ? "\" string=\"" : "\">",
            valueStart: isTyped ? "\">" : "",
            parameterEnd: "</\(prefix)parameter>"
        )
    }
}

/// Why a chat template could not be read or rendered, and where in its source.
package struct ChatTemplateError: Error, Sendable, Hashable {
    /// What kind of trouble it is.
    package enum Kind: Sendable, Hashable {
        /// The source breaks the template language's grammar.
        case syntax
        /// The source uses a tag, filter, test or function that this interpreter does not have.
        case unsupported
        /// A value is missing that the template needs.
        case undefined
        /// An operation does not fit the values it is applied to.
        case type
        /// A bound of `ChatTemplateLimits` was reached.
        case limit
        /// The template itself refused the conversation with `raise_exception`.
        case raised
    }

    /// What kind of trouble it is.
    package let kind: Kind
    /// One sentence that says what is wrong and, where that is known, what to do.
    ///
    /// For `.raised` it is the template's own text.
    package let message: String
    /// The line of the place in the template's source, from 1; 0 when there is no place.
    package internal(set) var line: Int
    /// The column of the place, in characters from 1; 0 when there is no place.
    package internal(set) var column: Int

    /// An error, with its place in the source if it has one.
    package init(_ kind: Kind, _ message: String, line: Int = 0, column: Int = 0) {
        self.kind = kind
        self.message = message
        self.line = line
        self.column = column
    }
}

extension ChatTemplateError: CustomStringConvertible {
    /// The message with its place in front.
    package var description: String {
        line > 0 ? "chat template, line \(line), column \(column): \(message)" : message
    }
}

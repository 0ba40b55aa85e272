/// Something wrong with the configuration: where it was said, which setting, and the way out.
package struct ConfigurationProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file, flag or variable that holds it.
    package let source: String
    /// The line of the file, counted from 1; nil where it is none of a file, or of the whole file.
    package let line: Int?
    /// The setting as the file spells it, `models.defaults.context`; empty for a whole file.
    package let key: String
    /// What is wrong and what to write instead, without a full stop.
    package let message: String

    /// A problem with the setting `key` found in `source`.
    package init(source: String, line: Int? = nil, key: String, message: String) {
        self.source = source
        self.line = line
        self.key = key
        self.message = message
    }

    package var description: String {
        let place = line.map { "\(source): line \($0)" } ?? source
        return key.isEmpty ? "\(place): \(message)" : "\(place): \(key): \(message)"
    }
}

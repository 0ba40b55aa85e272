/// Something wrong with the configuration: where it was said, which setting, and the way out.
package struct ConfigurationProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file, flag or variable that holds it.
    package let source: String
    /// The setting as the file spells it, `models.defaults.context`; empty for a whole file.
    package let key: String
    /// What is wrong and what to write instead, without a full stop.
    package let message: String

    /// A problem with the setting `key` found in `source`.
    package init(source: String, key: String, message: String) {
        self.source = source
        self.key = key
        self.message = message
    }

    package var description: String {
        key.isEmpty ? "\(source): \(message)" : "\(source): \(key): \(message)"
    }
}

/// What became of reading the configuration again.
package enum ReloadOutcome: Sendable, Hashable {
    /// It is in use.
    case applied(Applied)
    /// It cannot be used, and the old one stays; each problem with its file and line.
    case refused(problems: [String])

    /// What a new configuration changed.
    package struct Applied: Sendable, Hashable {
        /// Keys whose new values are in use.
        package var changed: [String]
        /// Keys whose new values a restart would bring.
        package var needingRestart: [String]
        /// Models in memory that go once their requests have ended, because their settings changed.
        package var leaving: [String]
        /// Models that there are.
        package var modelCount: Int

        /// Makes a value.
        package init(
            changed: [String],
            needingRestart: [String],
            leaving: [String],
            modelCount: Int
        ) {
            self.changed = changed
            self.needingRestart = needingRestart
            self.leaving = leaving
            self.modelCount = modelCount
        }
    }

    /// One line for logs and watchers.
    package var summary: String {
        switch self {
        case .refused(let problems):
            return "refused, the old configuration stays: " + problems.joined(separator: "; ")
        case .applied(let applied):
            let parts = [
                ("changed", applied.changed), ("restart needed for", applied.needingRestart),
                ("unloading", applied.leaving),
            ]
            .filter { !$0.1.isEmpty }.map { $0 + " " + $1.joined(separator: ", ") }
            return parts.isEmpty ? "nothing changed" : parts.joined(separator: "; ")
        }
    }
}

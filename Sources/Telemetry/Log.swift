/// A structured log: one line per entry, a message and `key=value` fields.
///
/// A value that is cheap to copy and safe from any thread; every entry is one `write(2)`. Never give
/// it prompts, completions, keys or query strings. Field names are fixed words (`model`, `request`,
/// `error`); values are escaped and cut at `LogEntry.maximumValueByteCount`, so a client-chosen
/// string can neither forge a line nor flood the log.
package struct Log: Sendable {
    /// One field: a fixed word and the value printed for it.
    package typealias Field = (key: String, value: any CustomStringConvertible & Sendable)

    /// Entries below this level are dropped; set for this log and everything made of it by `with`,
    /// and for what it was made of.
    package var level: LogLevel {
        get { threshold.level }
        nonmutating set { threshold.level = newValue }
    }

    private let threshold: LogThreshold
    private let sink: LogSink
    private let commonFields: [LogEntry.Field]

    /// A log that hands every entry at or above `level` to `sink`.
    package init(level: LogLevel = .info, sink: LogSink = .standardError) {
        self.init(threshold: LogThreshold(level), sink: sink, commonFields: [])
    }

    private init(threshold: LogThreshold, sink: LogSink, commonFields: [LogEntry.Field]) {
        self.threshold = threshold
        self.sink = sink
        self.commonFields = commonFields
    }

    /// The same log with `fields` in front of every entry's own, for example the model's name.
    package func with(_ fields: Field...) -> Log {
        let added = fields.map { LogEntry.Field(key: $0.key, value: $0.value.description) }
        return Log(threshold: threshold, sink: sink, commonFields: commonFields + added)
    }

    /// Something failed that an operator must know of.
    package func error(_ message: String, _ fields: Field...) {
        write(.error, message, fields)
    }

    /// Something that an operator can act on.
    package func warning(_ message: String, _ fields: Field...) {
        write(.warning, message, fields)
    }

    /// Something that happens once per request or rarer.
    package func info(_ message: String, _ fields: Field...) {
        write(.info, message, fields)
    }

    /// Details for a developer, off by default and never once per token.
    package func debug(_ message: String, _ fields: Field...) {
        write(.debug, message, fields)
    }

    private func write(_ entryLevel: LogLevel, _ message: String, _ fields: [Field]) {
        guard entryLevel >= level else { return }
        let own = fields.map { LogEntry.Field(key: $0.key, value: $0.value.description) }
        sink.write(LogEntry(level: entryLevel, message: message, fields: commonFields + own))
    }
}

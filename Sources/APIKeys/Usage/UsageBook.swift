package import JSON

/// What keys have used, by day, key and model; pure.
package struct UsageBook: Sendable, Hashable {
    /// One line of the book.
    package struct Entry: Sendable, Hashable, Comparable {
        /// The day in UTC, `2026-11-27`.
        package let day: String
        /// The key's name.
        package let key: String
        /// The catalog's id of the model.
        package let model: String

        /// Makes a value.
        package init(day: String, key: String, model: String) {
            self.day = day
            self.key = key
            self.model = model
        }

        package static func < (first: Entry, second: Entry) -> Bool {
            (first.day, first.key, first.model) < (second.day, second.key, second.model)
        }
    }

    /// What was used.
    package struct Counts: Sendable, Hashable {
        /// Requests that have ended.
        package var requests = 0
        /// Tokens of their prompts.
        package var promptTokens = 0
        /// Prompt tokens that needed no computation, part of `promptTokens`.
        package var cachedTokens = 0
        /// Tokens of their answers.
        package var outputTokens = 0

        /// Makes a value.
        package init(
            requests: Int = 0,
            promptTokens: Int = 0,
            cachedTokens: Int = 0,
            outputTokens: Int = 0
        ) {
            self.requests = requests
            self.promptTokens = promptTokens
            self.cachedTokens = cachedTokens
            self.outputTokens = outputTokens
        }

        /// Adds other counts to these.
        package mutating func add(_ other: Counts) {
            requests += other.requests
            promptTokens += other.promptTokens
            cachedTokens += other.cachedTokens
            outputTokens += other.outputTokens
        }
    }

    /// Days that are kept in detail, and lines at most; what is older is dropped.
    private static let dayCount = 400
    private static let entryCount = 50_000

    /// Every line.
    package private(set) var counts: [Entry: Counts] = [:]

    /// An empty book.
    package init() {}

    /// Adds what a request has used.
    package mutating func add(_ used: Counts, _ entry: Entry) {
        let isNew = counts[entry] == nil
        counts[entry, default: Counts()].add(used)
        if isNew { forget() }
    }

    /// Drops the oldest days as long as there is too much.
    private mutating func forget() {
        var days = Set(counts.keys.map(\.day)).sorted()
        while days.count > 1, days.count > Self.dayCount || counts.count > Self.entryCount {
            let oldest = days.removeFirst()
            counts = counts.filter { $0.key.day != oldest }
        }
    }

    /// The lines in order, from a day on, of one key or of all.
    package func lines(from day: String = "", key: String? = nil) -> [(Entry, Counts)] {
        counts.filter { $0.key.day >= day && (key == nil || $0.key.key == key) }
            .sorted { $0.key < $1.key }
            .map { ($0.key, $0.value) }
    }

    /// The last day on which the key was used.
    package func lastDay(of key: String) -> String? {
        counts.keys.filter { $0.key == key }.map(\.day).max()
    }
}

// The file that the book is kept in, version 1.
extension UsageBook {
    /// The file's contents.
    package var json: JSONValue {
        ["version": 1, "usage": .array(lines().map { Self.json($0, $1) })]
    }

    /// A line, as the file and the admin API show it.
    package static func json(_ entry: Entry, _ counts: Counts) -> JSONValue {
        [
            "day": .string(entry.day), "key": .string(entry.key), "model": .string(entry.model),
            "requests": .integer(counts.requests),
            "prompt_tokens": .integer(counts.promptTokens),
            "cached_tokens": .integer(counts.cachedTokens),
            "output_tokens": .integer(counts.outputTokens),
        ]
    }

    /// Reads the file's contents; nil if they are none.
    package init?(_ json: JSONValue) {
        guard json["version"]?.intValue == 1, let lines = json["usage"]?.arrayValue else {
            return nil
        }
        for line in lines {
            guard let day = line["day"]?.stringValue, let key = line["key"]?.stringValue,
                let model = line["model"]?.stringValue
            else { return nil }
            func number(_ name: String) -> Int { max(0, line[name]?.intValue ?? 0) }
            counts[Entry(day: day, key: key, model: model)] = Counts(
                requests: number("requests"),
                promptTokens: number("prompt_tokens"),
                cachedTokens: number("cached_tokens"),
                outputTokens: number("output_tokens")
            )
        }
    }
}

/// What a metric is: its name, its meaning, and the labels that tell its series apart.
package struct MetricDescription: Sendable, Hashable {
    /// How values of the metric behave.
    package enum Kind: String, Sendable, Hashable {
        /// Only grows, from 0 at the start of what it counts.
        case counter
        /// Goes up and down.
        case gauge
        /// Counts observations by size.
        case histogram
    }

    /// How its values behave.
    package let kind: Kind
    /// The full name, in base units: seconds, bytes; a counter's ends in `_total`.
    package let name: String
    /// The names of its labels, in the order in which values are given.
    package let labels: [MetricLabel]
    /// One or two sentences.
    package let help: String

    /// Describes a metric.
    ///
    /// Names are fixed by the program: one that Prometheus would refuse is a broken invariant.
    package init(_ kind: Kind, _ name: String, labels: [MetricLabel] = [], help: String) {
        precondition(Self.isName(name), "a metric's name has letters, digits and _")
        precondition(
            name.hasSuffix("_total") == (kind == .counter),
            "the names of counters, and of nothing else, end in _total"
        )
        precondition(Set(labels).count == labels.count, "a label is given once")
        precondition(!help.isEmpty, "a metric is explained")
        self.kind = kind
        self.name = name
        self.labels = labels
        self.help = help
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`; colons are left to recording rules.
    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
    }
}

/// The name of a label.
package struct MetricLabel: Sendable, Hashable {
    /// What Prometheus shows.
    package let name: String
    /// Whether its values come from outside this program, from files or from clients, so that there
    /// may be any number of them.
    package let isOpen: Bool

    /// Names a label; `le` belongs to histograms.
    package init(_ name: String, isOpen: Bool = false) {
        precondition(MetricDescription.isName(name) && name != "le", "a label has a name")
        self.name = name
        self.isOpen = isOpen
    }
}

/// How long a model may be idle before it is unloaded.
package enum KeepAlive: Sendable, Hashable {
    /// So long; zero means as soon as nobody uses it.
    case duration(Duration)
    /// Until somebody unloads it, or another model needs its memory.
    case forever

    /// Reads what Ollama's clients write.
    ///
    /// Seconds, or a duration like `300ms`, `5m` or `1h30m`; any negative one means for ever. Nil for
    /// anything else, or more than 100 years.
    package init?(_ text: String) {
        if let seconds = Double(text) {
            self.init(seconds: seconds)
            return
        }
        var rest = text[...]
        let isNegative = rest.first == "-"
        if isNegative { rest.removeFirst() }
        var seconds = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), let scale = Self.units[String(unit)] else {
                return nil
            }
            seconds += number * scale
        }
        self.init(seconds: isNegative ? -1 : seconds)
    }

    /// So many seconds, or for ever if negative.
    ///
    /// Nil for more than 100 years, or no number.
    package init?(seconds: Double) {
        guard seconds.isFinite, seconds < 100 * 365 * 86_400 else { return nil }
        self = seconds < 0 ? .forever : .duration(.seconds(seconds))
    }

    private static let units = ["ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400]
}

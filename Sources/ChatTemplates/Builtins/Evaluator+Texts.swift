// Operations on texts that methods and filters share, charged before they are done.
extension Evaluator {
    /// The text with at most `limit` occurrences of `old` replaced.
    func replace(
        _ old: MarkedText,
        in text: MarkedText,
        with new: MarkedText,
        limit: Int?
    ) throws(ChatTemplateError) -> MarkedText {
        let limit = limit.flatMap { $0 < 0 ? nil : $0 }
        try meter.touch(text.count)
        let offsets = text.offsets(of: old, limit: limit)
        let (added, overflow) = new.count.multipliedReportingOverflow(by: offsets.count)
        try meter.touch(overflow ? .max : added)
        try meter.step(offsets.count)
        return text.replacing(at: offsets, length: old.count, with: new)
    }

    /// The parts with a separator between each two.
    func join(
        _ parts: [MarkedText],
        with separator: MarkedText
    ) throws(ChatTemplateError) -> MarkedText {
        var text = MarkedText()
        for (index, part) in parts.enumerated() {
            try meter.step()
            try meter.touch(part.count + separator.count)
            if index > 0 { text.append(separator) }
            text.append(part)
        }
        return text
    }

    /// The text with white space in front of its lines, as Jinja's `indent` filter puts it.
    func indent(
        _ text: MarkedText,
        by indentation: MarkedText,
        first: Bool,
        blank: Bool
    ) throws(ChatTemplateError) -> MarkedText {
        // Jinja appends a line end before it splits, so that the last line end is kept.
        var whole = text
        whole.append(contentsOf: [0x0A], isTrusted: true)
        try meter.touch(text.count * 2)
        var result = MarkedText()
        var isFirst = true
        var endIsTrusted = true
        for (line, lineWithEnd) in zip(whole.lines(), whole.lines(keepingEnds: true)) {
            let isIndented = isFirst ? first : (blank || !line.isEmpty)
            try meter.step()
            try meter.touch(line.count + 1 + (isIndented ? indentation.count : 0))
            if !isFirst { result.append(contentsOf: [0x0A], isTrusted: endIsTrusted) }
            if isIndented { result.append(indentation) }
            result.append(line)
            isFirst = false
            endIsTrusted = lineWithEnd.isTrusted(at: line.count)
        }
        return result
    }

    /// The text with `&`, `<`, `>` and quotes written as HTML entities.
    func escapeHTML(_ text: MarkedText) throws(ChatTemplateError) -> MarkedText {
        try meter.touch(text.count * 6)
        return text.mapped { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "'": "&#39;"
            case "\"": "&#34;"
            default: String(scalar)
            }
        }
    }

    /// The text with everything but letters, digits and `_.-~/` as percent escapes.
    func escapeURL(_ text: MarkedText) throws(ChatTemplateError) -> MarkedText {
        try meter.touch(text.count * 4)
        return text.mapped { scalar in
            let isPlain =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "_.-~/".unicodeScalars.contains(scalar))
            if isPlain { return String(scalar) }
            return String(scalar).utf8
                .map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
                .joined()
        }
    }
}

/// The methods of Python's `str`.
enum TextMethod: String {
    case strip, lstrip, rstrip
    case split, rsplit, splitlines, partition, rpartition, join
    case startswith, endswith, find, rfind, index, rindex, count
    case upper, lower, casefold, title, capitalize, swapcase
    case replace, removeprefix, removesuffix
    case zfill, ljust, rjust, center
    case isdigit, isdecimal, isnumeric, isalpha, isalnum, isspace, isupper, islower, isascii
    case format

    func call(
        _ text: MarkedText,
        _ given: CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        var arguments = given
        let result: TemplateValue
        switch self {
        case .strip: result = .text(text.trimmed(.both, of: try arguments.takeText("chars")))
        case .lstrip: result = .text(text.trimmed(.leading, of: try arguments.takeText("chars")))
        case .rstrip: result = .text(text.trimmed(.trailing, of: try arguments.takeText("chars")))
        case .upper: result = .text(text.uppercased)
        case .lower, .casefold: result = .text(text.lowercased)
        case .title: result = .text(text.pythonTitle)
        case .capitalize: result = .text(text.capitalized)
        case .swapcase: result = .text(text.swappingCase)
        case .format: return .text(try BraceFormat.format(text, arguments, evaluator: evaluator))
        case .replace:
            let old = try arguments.requireText("old")
            let new = try arguments.requireText("new")
            let limit = try arguments.takeInteger("count")
            result = .text(try evaluator.replace(old, in: text, with: new, limit: limit))
        case .removeprefix:
            let prefix = try arguments.requireText("prefix")
            result = .text(text.hasPrefix(prefix) ? text[prefix.count..<text.count] : text)
        case .removesuffix:
            let suffix = try arguments.requireText("suffix")
            result = .text(text.hasSuffix(suffix) ? text[0..<text.count - suffix.count] : text)
        case .split, .rsplit, .splitlines, .partition, .rpartition, .join:
            result = try divide(text, &arguments, evaluator: evaluator)
        case .startswith, .endswith, .find, .rfind, .index, .rindex, .count:
            result = try search(text, &arguments, evaluator: evaluator)
        case .zfill, .ljust, .rjust, .center:
            result = .text(try pad(text, &arguments, evaluator: evaluator))
        case .isdigit, .isdecimal, .isnumeric, .isalpha, .isalnum, .isspace, .isupper, .islower,
            .isascii:
            result = .bool(holds(for: text))
        }
        try arguments.finish()
        return result
    }

    private func divide(
        _ text: MarkedText,
        _ arguments: inout CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        switch self {
        case .splitlines:
            let lines = text.lines(keepingEnds: arguments.takeBool("keepends") ?? false)
            return try evaluator.meter.list(lines.map { .text($0) })
        case .partition, .rpartition:
            let separator = try nonEmpty(try arguments.requireText("sep"))
            let found =
                self == .partition
                ? text.firstOffset(of: separator)
                : text.lastOffset(of: separator, before: text.count)
            let parts: [MarkedText] =
                if let found {
                    [
                        text[0..<found], separator,
                        text[found + separator.count..<text.count],
                    ]
                } else if self == .partition {
                    [text, MarkedText(), MarkedText()]
                } else {
                    [MarkedText(), MarkedText(), text]
                }
            return try evaluator.meter.list(parts.map { .text($0) }, .tuple)
        case .join:
            let values = try evaluator.elements(of: try arguments.require("iterable"))
            var parts: [MarkedText] = []
            for value in values {
                guard case .text(let part) = value else {
                    throw ChatTemplateError(.type, "join needs strings, not \(value.typeName)")
                }
                parts.append(part)
            }
            return .text(try evaluator.join(parts, with: text))
        default:
            let separator = try arguments.takeText("sep")
            let limit = try arguments.takeInteger("maxsplit").flatMap { $0 < 0 ? nil : $0 }
            let parts: [MarkedText] =
                if let separator {
                    text.split(
                        try nonEmpty(separator),
                        limit: limit,
                        fromEnd: self == .rsplit
                    )
                } else if self == .rsplit, let limit {
                    text.splitWordsFromEnd(limit: limit)
                } else {
                    text.splitWords(limit: limit)
                }
            return try evaluator.meter.list(parts.map { .text($0) })
        }
    }

    private func nonEmpty(_ separator: MarkedText) throws(ChatTemplateError) -> MarkedText {
        guard !separator.isEmpty else {
            throw ChatTemplateError(.type, "\(rawValue) needs a separator that is not empty")
        }
        return separator
    }

    private func search(
        _ text: MarkedText,
        _ arguments: inout CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        if self == .startswith || self == .endswith {
            let value = try arguments.require("prefix")
            var candidates = [value]
            if case .sequence(let sequence) = value, sequence.kind == .tuple {
                candidates = sequence.elements
            }
            for candidate in candidates {
                guard case .text(let part) = candidate else {
                    throw ChatTemplateError(
                        .type,
                        "\(rawValue) needs a string, not a \(candidate.typeName)"
                    )
                }
                try evaluator.meter.touch(part.count)
                let isFound = self == .startswith ? text.hasPrefix(part) : text.hasSuffix(part)
                if isFound { return .bool(true) }
            }
            return .bool(false)
        }
        let part = try arguments.requireText("sub")
        if self == .count { return .integer(text.offsets(of: part, limit: nil).count) }
        let isBackward = self == .rfind || self == .rindex
        var found: Int?
        if let start = try arguments.takeInteger("start"), !isBackward {
            let offsets = text.scalarOffsets
            let place = start < 0 ? max(0, start &+ offsets.count - 1) : start
            found = place < offsets.count ? text.firstOffset(of: part, from: offsets[place]) : nil
        } else {
            found =
                isBackward
                ? text.lastOffset(of: part, before: text.count) : text.firstOffset(of: part)
        }
        guard let found else {
            guard self == .find || self == .rfind else {
                throw ChatTemplateError(.type, "\(rawValue) did not find the string")
            }
            return .integer(-1)
        }
        return .integer(text[0..<found].scalarCount)
    }

    private func pad(
        _ text: MarkedText,
        _ arguments: inout CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> MarkedText {
        let width = try arguments.takeInteger("width") ?? 0
        let fill: MarkedText =
            self == .zfill
            ? MarkedText("0", isTrusted: true)
            : try arguments.takeText("fillchar") ?? MarkedText(" ", isTrusted: true)
        guard fill.scalarCount == 1 else {
            throw ChatTemplateError(.type, "\(rawValue) fills with exactly one character")
        }
        let missing = max(0, width - text.scalarCount)
        guard missing > 0 else { return text }
        switch self {
        case .ljust: return MarkedText.joined([text, try evaluator.repeated(fill, missing)])
        case .center:
            // Python puts the odd character in front when the width is odd, else behind.
            let leading = missing / 2 + (missing & width & 1)
            return MarkedText.joined([
                try evaluator.repeated(fill, leading), text,
                try evaluator.repeated(fill, missing - leading),
            ])
        case .zfill
        where text.bytes.first == UInt8(ascii: "-") || text.bytes.first == UInt8(ascii: "+"):
            return MarkedText.joined([
                text[0..<1], try evaluator.repeated(fill, missing), text[1..<text.count],
            ])
        default: return MarkedText.joined([try evaluator.repeated(fill, missing), text])
        }
    }

    private func holds(for text: MarkedText) -> Bool {
        let scalars = text.scalars
        switch self {
        case .isascii: return text.isASCII
        case .isupper:
            return scalars.contains { $0.properties.isCased }
                && !scalars.contains { $0.properties.isLowercase }
        case .islower:
            return scalars.contains { $0.properties.isCased }
                && !scalars.contains { $0.properties.isUppercase }
        default: break
        }
        return !scalars.isEmpty
            && scalars.allSatisfy { scalar in
                let category = scalar.properties.generalCategory
                let isLetter =
                    switch category {
                    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter,
                        .otherLetter:
                        true
                    default: false
                    }
                return switch self {
                case .isspace: scalar.isPythonSpace
                case .isalpha: isLetter
                case .isdecimal: category == .decimalNumber
                case .isdigit:
                    scalar.properties.numericType == .decimal
                        || scalar.properties.numericType == .digit
                case .isnumeric: scalar.properties.numericType != nil
                default: isLetter || scalar.properties.numericType != nil
                }
            }
    }
}

extension Evaluator {
    func applyTextFilter(
        _ filter: ValueFilter,
        _ arguments: inout CallArguments,
        to value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        if filter == .tojson { return .text(try json(value, &arguments)) }
        let text = try printedText(of: value)
        try meter.touch(text.count)
        switch filter {
        case .upper: return .text(text.uppercased)
        case .lower: return .text(text.lowercased)
        case .capitalize: return .text(text.capitalized)
        case .title: return .text(text.wordsCapitalized)
        case .trim: return .text(text.trimmed(.both, of: try arguments.takeText("chars")))
        case .replace:
            let old = try printedText(of: try arguments.require("old"))
            let new = try printedText(of: try arguments.require("new"))
            let limit = try arguments.takeInteger("count")
            return .text(try replace(old, in: text, with: new, limit: limit))
        case .indent:
            return .text(try indent(text, &arguments))
        case .format:
            let values = try takeAll(&arguments)
            let tuple = try meter.list(values, .tuple)
            return .text(try PercentFormat.format(text, tuple, evaluator: self))
        case .escape, .e, .forceescape: return .text(try escapeHTML(text))
        case .urlencode: return .text(try escapeURL(text))
        case .striptags: return .text(Self.stripTags(text))
        case .wordcount: return .integer(text.splitWords(limit: nil).count)
        case .center:
            let width = try arguments.takeInteger("width") ?? 80
            let centering = CallArguments([.integer(width)])
            return try TextMethod.center.call(text, centering, evaluator: self)
        case .truncate: return .text(try truncate(text, &arguments))
        default: return .text(text)
        }
    }

    private func takeAll(
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        while let value = arguments.takePositional() { values.append(value) }
        return values
    }

    private func indent(
        _ text: MarkedText,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> MarkedText {
        let space = MarkedText(" ", isTrusted: true)
        let indentation: MarkedText
        switch arguments.take("width") {
        case .text(let text)?: indentation = text
        case nil: indentation = try repeated(space, 4)
        case let value?:
            guard let width = value.integer else {
                throw ChatTemplateError(.type, "indent's width must be an integer or a string")
            }
            indentation = try repeated(space, width)
        }
        let first = arguments.takeBool("first") ?? false
        let blank = arguments.takeBool("blank") ?? false
        return try indent(text, by: indentation, first: first, blank: blank)
    }

    private func truncate(
        _ text: MarkedText,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> MarkedText {
        let length = try arguments.takeInteger("length") ?? 255
        let cutsWords = arguments.takeBool("killwords") ?? false
        let end = try arguments.takeText("end") ?? MarkedText("...", isTrusted: true)
        let leeway = try arguments.takeInteger("leeway") ?? 5
        let offsets = text.scalarOffsets
        let endCount = end.scalarCount
        guard length >= endCount, leeway >= 0 else {
            throw ChatTemplateError(.type, "truncate's length is shorter than its end")
        }
        if offsets.count - 1 <= length.addingReportingOverflow(leeway).partialValue { return text }
        var cut = text[0..<offsets[min(length - endCount, offsets.count - 1)]]
        if !cutsWords {
            let space = MarkedText(" ", isTrusted: true)
            if let last = cut.lastOffset(of: space, before: cut.count) { cut = cut[0..<last] }
        }
        cut.append(end)
        return cut
    }

    /// The text without `<…>`, runs of white space as one blank.
    private static func stripTags(_ text: MarkedText) -> MarkedText {
        var kept = MarkedText()
        var start = 0
        var offset = 0
        while let open = text.bytes[offset...].firstIndex(of: UInt8(ascii: "<")) {
            guard let close = text.bytes[open...].firstIndex(of: UInt8(ascii: ">")) else { break }
            kept.append(text, in: start..<open)
            start = close + 1
            offset = start
        }
        kept.append(text, in: start..<text.count)
        var result = MarkedText()
        for (index, word) in kept.splitWords(limit: nil).enumerated() {
            if index > 0 { result.append(contentsOf: [0x20], isTrusted: word.isTrusted) }
            result.append(word)
        }
        return result
    }

    private func json(
        _ value: TemplateValue,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> MarkedText {
        func made(_ text: String) -> MarkedText { MarkedText(text, isTrusted: false) }
        let ensuresASCII = arguments.takeBool("ensure_ascii") ?? false
        var indentation: MarkedText?
        switch arguments.take("indent") {
        case nil, .some(.none): break
        case .text(let text)?: indentation = text
        case let value?:
            guard let width = value.integer else {
                throw ChatTemplateError(.type, "tojson's indent must be an integer or a string")
            }
            indentation = try repeated(made(" "), width)
        }
        var options = JSONPrinter.Options(
            ensuresASCII: ensuresASCII,
            indentation: indentation,
            itemSeparator: made(indentation == nil ? ", " : ","),
            keySeparator: made(": ")
        )
        switch arguments.take("separators") {
        case nil, .some(.none): break
        case let value?:
            let parts = try elements(of: value)
            guard parts.count == 2, case .text(let item) = parts[0], case .text(let key) = parts[1]
            else { throw ChatTemplateError(.type, "tojson's separators must be two strings") }
            options.itemSeparator = item
            options.keySeparator = key
        }
        options.sortsKeys = arguments.takeBool("sort_keys") ?? false
        var printer = JSONPrinter(meter: meter, options: options)
        try printer.print(value)
        return printer.text
    }
}

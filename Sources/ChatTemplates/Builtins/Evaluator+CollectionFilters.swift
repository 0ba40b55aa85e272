extension Evaluator {
    func applyCollectionFilter(
        _ filter: ValueFilter,
        _ arguments: inout CallArguments,
        to value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        switch filter {
        case .length, .count: return .integer(try length(of: value))
        case .first: return try elements(of: value).first ?? .undefined("the list is empty")
        case .last: return try last(of: value)
        case .list: return try meter.list(try elements(of: value))
        case .join: return .text(try join(value, &arguments))
        case .items: return try items(of: value)
        case .reverse: return try reversed(value)
        case .dictsort: return try sortedPairs(of: value, &arguments)
        case .sum: return try sum(of: value, &arguments)
        case .batch, .slice: return try divide(value, &arguments, intoColumns: filter == .slice)
        case .groupby: return try group(value, &arguments)
        default:
            let name = try arguments.requireText("name").string
            return try attribute(name, of: value)
        }
    }

    /// Python's `len`.
    func length(of value: TemplateValue) throws(ChatTemplateError) -> Int {
        switch value {
        case .text(let text):
            try meter.touch(text.count)
            return text.scalarCount
        case .sequence(let sequence): return sequence.elements.count
        case .mapping(let mapping): return mapping.count
        case .undefined: return 0
        default:
            throw ChatTemplateError(
                .type,
                "a \(value.typeName) has no length"
                    + (value.typeName == "generator" ? "; put '|list' before '|length'" : "")
            )
        }
    }

    private func last(of value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        if case .iterator = value {
            throw ChatTemplateError(.type, "a generator has no last element; put '|list' before")
        }
        return try elements(of: value).last ?? .undefined("the list is empty")
    }

    private func join(
        _ value: TemplateValue,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> MarkedText {
        let separator = try arguments.take("d").map { (value) throws(ChatTemplateError) in
            try printedText(of: value)
        }
        let path = try takePath("attribute", &arguments)
        var parts: [MarkedText] = []
        for element in try elements(of: value) {
            let part = try path.map { (path) throws(ChatTemplateError) in
                try member(at: path, of: element, standard: nil)
            }
            let text = try printedText(of: part ?? element)
            try meter.touch(text.count)
            parts.append(text)
        }
        return try join(parts, with: separator ?? MarkedText())
    }

    private func items(of value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        switch value {
        case .mapping(let mapping): return try meter.iterator(try pairs(of: mapping))
        case .undefined: return try meter.iterator([])
        default: throw ChatTemplateError(.type, "the filter 'items' needs a mapping")
        }
    }

    private func reversed(_ value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        let reversed: [TemplateValue] = try elements(of: value).reversed()
        guard case .text = value else { return try meter.iterator(reversed) }
        var parts: [MarkedText] = []
        for case .text(let part) in reversed { parts.append(part) }
        return .text(MarkedText.joined(parts))
    }

    private func sortedPairs(
        of value: TemplateValue,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        guard case .mapping(let mapping) = value else {
            throw ChatTemplateError(.type, "the filter 'dictsort' needs a mapping")
        }
        let isCaseSensitive = arguments.takeBool("case_sensitive") ?? false
        let by = try arguments.takeText("by")?.string ?? "key"
        let isReversed = arguments.takeBool("reverse") ?? false
        guard by == "key" || by == "value" else {
            throw ChatTemplateError(.type, "dictsort sorts by 'key' or by 'value'")
        }
        let pairs = try pairs(of: mapping)
        let keys = by == "key" ? mapping.keys : mapping.values
        return try meter.list(
            try sorted(
                pairs,
                by: try caseFolded(keys, isCaseSensitive: isCaseSensitive),
                isReversed: isReversed
            )
        )
    }

    private func sum(
        of value: TemplateValue,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let path = try takePath("attribute", &arguments)
        var sum = arguments.take("start") ?? .integer(0)
        for element in try elements(of: value) {
            let part = try path.map { (path) throws(ChatTemplateError) in
                try member(at: path, of: element, standard: nil)
            }
            sum = try calculate(.add, sum, part ?? element)
        }
        return sum
    }

    /// The elements in rows of a given length, or in a given number of columns.
    private func divide(
        _ value: TemplateValue,
        _ arguments: inout CallArguments,
        intoColumns: Bool
    ) throws(ChatTemplateError) -> TemplateValue {
        let elements = try elements(of: value)
        let count = try arguments.takeInteger(intoColumns ? "slices" : "linecount") ?? 0
        let filler = arguments.take("fill_with")
        guard count > 0 else {
            throw ChatTemplateError(.type, "the number of parts must be positive")
        }
        try meter.touch(elementCount: count)
        var parts: [TemplateValue] = []
        var start = 0
        let rowCount = intoColumns ? count : (elements.count + count - 1) / count
        for row in 0..<rowCount {
            let length =
                intoColumns
                ? elements.count / count + (row < elements.count % count ? 1 : 0) : count
            let end = min(start + length, elements.count)
            var part = Array(elements[start..<end])
            start = end
            if let filler {
                let whole = intoColumns ? (elements.count + count - 1) / count : count
                // Columns that hold the remainder are full already.
                let isShort = part.count < whole && (!intoColumns || elements.count % count != 0)
                if isShort { part += Array(repeating: filler, count: whole - part.count) }
            }
            parts.append(try meter.list(part))
        }
        return try meter.iterator(parts)
    }

    private func group(
        _ value: TemplateValue,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        guard let path = try takePath("attribute", &arguments) else {
            throw ChatTemplateError(.type, "groupby needs an attribute")
        }
        let standard = arguments.take("default")
        let isCaseSensitive = arguments.takeBool("case_sensitive") ?? false
        let elements = try elements(of: value)
        var keys: [TemplateValue] = []
        for element in elements {
            keys.append(try member(at: path, of: element, standard: standard))
        }
        let folded = try caseFolded(keys, isCaseSensitive: isCaseSensitive)
        let order = try sortedIndices(by: folded)
        var groups: [TemplateValue] = []
        var index = 0
        while index < order.count {
            var members = [elements[order[index]]]
            let key = keys[order[index]]
            let foldedKey = folded[order[index]]
            index += 1
            while index < order.count, try areEqual(folded[order[index]], foldedKey) {
                members.append(elements[order[index]])
                index += 1
            }
            groups.append(try meter.list([key, try meter.list(members)], .tuple))
        }
        return try meter.list(groups)
    }
}

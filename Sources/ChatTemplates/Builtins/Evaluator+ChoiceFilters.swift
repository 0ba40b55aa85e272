// Filters that look at each element, or at one of its members.
extension Evaluator {
    func applyChoiceFilter(
        _ filter: ValueFilter,
        _ arguments: inout CallArguments,
        to value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        switch filter {
        case .map, .select, .reject, .selectattr, .rejectattr:
            // Jinja looks at the elements of what is true only, so that nothing has none.
            guard value.isTruthy else {
                arguments = CallArguments()
                return try meter.iterator([])
            }
            do throws(ChatTemplateError) {
                return filter == .map
                    ? try map(value, &arguments) : try choose(filter, &arguments, from: value)
            } catch {
                guard error.kind != .limit else { throw error }
                arguments = CallArguments()
                return .iterator(IteratorValue(failing: error))
            }
        case .min, .max:
            let isCaseSensitive = arguments.takeBool("case_sensitive") ?? false
            let path = try takePath("attribute", &arguments)
            let elements = try elements(of: value)
            let keys = try keys(of: elements, at: path, isCaseSensitive: isCaseSensitive)
            guard var best = elements.indices.first else { return .undefined("the list is empty") }
            for index in elements.indices.dropFirst() {
                let isBetter =
                    filter == .min
                    ? try isLess(keys[index], keys[best]) : try isLess(keys[best], keys[index])
                if isBetter { best = index }
            }
            return elements[best]
        case .unique:
            let isCaseSensitive = arguments.takeBool("case_sensitive") ?? false
            let path = try takePath("attribute", &arguments)
            return try unique(try elements(of: value), at: path, isCaseSensitive: isCaseSensitive)
        default:
            let isReversed = arguments.takeBool("reverse") ?? false
            let isCaseSensitive = arguments.takeBool("case_sensitive") ?? false
            let path = try takePath("attribute", &arguments)
            let elements = try elements(of: value)
            let keys = try keys(of: elements, at: path, isCaseSensitive: isCaseSensitive)
            return try meter.list(try sorted(elements, by: keys, isReversed: isReversed))
        }
    }

    // MARK: Members by path

    /// Takes an argument such as `function.name` or `0`, as the path it means.
    func takePath(
        _ name: String,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> [TemplateValue]? {
        switch arguments.take(name) {
        case nil, .some(.none): return nil
        case .integer(let index)?: return [.integer(index)]
        case .text(let text)?:
            return text.split(MarkedText(".", isTrusted: true), limit: nil)
                .map { part in Int(part.string).map { .integer($0) } ?? .text(part) }
        case let value?:
            throw ChatTemplateError(
                .type,
                "the argument '\(name)' must be a string, not a \(value.typeName)"
            )
        }
    }

    /// The member that a path leads to.
    func member(
        at path: [TemplateValue],
        of value: TemplateValue,
        standard: TemplateValue?
    ) throws(ChatTemplateError) -> TemplateValue {
        var value = value
        for key in path {
            value = try item(key, of: value)
            if let standard, value.isUndefined { value = standard }
        }
        return value
    }

    private func keys(
        of elements: [TemplateValue],
        at path: [TemplateValue]?,
        isCaseSensitive: Bool
    ) throws(ChatTemplateError) -> [TemplateValue] {
        guard let path else { return try caseFolded(elements, isCaseSensitive: isCaseSensitive) }
        var keys: [TemplateValue] = []
        for element in elements { keys.append(try member(at: path, of: element, standard: nil)) }
        return try caseFolded(keys, isCaseSensitive: isCaseSensitive)
    }

    /// The values with texts in lower case, for comparisons that ignore it.
    func caseFolded(
        _ values: [TemplateValue],
        isCaseSensitive: Bool
    ) throws(ChatTemplateError) -> [TemplateValue] {
        if isCaseSensitive { return values }
        var folded: [TemplateValue] = []
        for value in values {
            if case .text(let text) = value {
                try meter.touch(text.count)
                folded.append(.text(text.lowercased))
            } else {
                folded.append(value)
            }
        }
        return folded
    }

    // MARK: Order

    func sorted(
        _ elements: [TemplateValue],
        by keys: [TemplateValue],
        isReversed: Bool
    ) throws(ChatTemplateError) -> [TemplateValue] {
        try sortedIndices(by: keys, isReversed: isReversed).map { elements[$0] }
    }

    /// The places of the keys in ascending or descending order; equal keys keep theirs.
    func sortedIndices(
        by keys: [TemplateValue],
        isReversed: Bool = false
    ) throws(ChatTemplateError) -> [Int] {
        try meter.touch(elementCount: keys.count)
        // A merge sort from below, because the comparison can fail and counts steps.
        var order = Array(keys.indices)
        var width = 1
        while width < order.count {
            var merged: [Int] = []
            merged.reserveCapacity(order.count)
            var start = 0
            while start < order.count {
                let middle = min(start + width, order.count)
                let end = min(start + 2 * width, order.count)
                var left = start
                var right = middle
                while left < middle, right < end {
                    let takesRight =
                        isReversed
                        ? try isLess(keys[order[left]], keys[order[right]])
                        : try isLess(keys[order[right]], keys[order[left]])
                    merged.append(order[takesRight ? right : left])
                    if takesRight { right += 1 } else { left += 1 }
                }
                merged += order[left..<middle]
                merged += order[right..<end]
                start = end
            }
            order = merged
            width *= 2
        }
        return order
    }

    private func unique(
        _ elements: [TemplateValue],
        at path: [TemplateValue]?,
        isCaseSensitive: Bool
    ) throws(ChatTemplateError) -> TemplateValue {
        let keys = try keys(of: elements, at: path, isCaseSensitive: isCaseSensitive)
        var seen: Set<MappingValue.Key> = []
        var kept: [TemplateValue] = []
        for (element, value) in zip(elements, keys) {
            guard let key = MappingValue.key(value) else {
                throw ChatTemplateError(.type, "unique cannot compare a \(value.typeName)")
            }
            if seen.insert(key).inserted { kept.append(element) }
        }
        return try meter.iterator(kept)
    }

    // MARK: Each element

    private func map(
        _ value: TemplateValue,
        _ arguments: inout CallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        let elements = try elements(of: value)
        var results: [TemplateValue] = []
        if arguments.positional.isEmpty {
            guard let path = try takePath("attribute", &arguments) else {
                throw ChatTemplateError(.type, "map needs a filter's name or an attribute")
            }
            let standard = arguments.takeNamed("default")
            for element in elements {
                try meter.step()
                results.append(try member(at: path, of: element, standard: standard))
            }
        } else {
            let name = try arguments.requireText("name").string
            let rest = arguments
            arguments = CallArguments()
            try meter.enter()
            defer { meter.leave() }
            for element in elements {
                try meter.step()
                results.append(try apply(name, rest, to: element))
            }
        }
        return try meter.iterator(results)
    }

    private func choose(
        _ filter: ValueFilter,
        _ arguments: inout CallArguments,
        from value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        let elements = try elements(of: value)
        let looksAtMember = filter == .selectattr || filter == .rejectattr
        let keepsMatches = filter == .select || filter == .selectattr
        let path = looksAtMember ? try takePath("attribute", &arguments) : nil
        if looksAtMember, path == nil {
            throw ChatTemplateError(.type, "\(filter.rawValue) needs an attribute")
        }
        let name = try arguments.takePositional().map { (name) throws(ChatTemplateError) in
            try printedText(of: name).string
        }
        let rest = arguments
        arguments = CallArguments()
        var kept: [TemplateValue] = []
        for element in elements {
            try meter.step()
            let subject = try path.map { (path) throws(ChatTemplateError) in
                try member(at: path, of: element, standard: nil)
            }
            let tested = subject ?? element
            let matches = try name.map { (name) throws(ChatTemplateError) in
                try test(tested, name, rest)
            }
            if (matches ?? tested.isTruthy) == keepsMatches { kept.append(element) }
        }
        return try meter.iterator(kept)
    }
}

/// The methods of Python's `dict` that change nothing, as the sandbox of `transformers` allows them.
enum MappingMethod: String {
    case get, items, keys, values, copy

    func call(
        _ mapping: MappingValue,
        _ given: CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        var arguments = given
        switch self {
        case .get:
            let key = try arguments.require("key")
            let standard = arguments.take("default") ?? .none
            try arguments.finish()
            return MappingValue.key(key).flatMap { mapping[$0] } ?? standard
        case .items:
            try arguments.finish()
            return try evaluator.meter.list(try evaluator.pairs(of: mapping), .view)
        case .keys:
            try arguments.finish()
            return try evaluator.meter.list(mapping.keys, .view)
        case .values:
            try arguments.finish()
            return try evaluator.meter.list(mapping.values, .view)
        case .copy:
            try arguments.finish()
            return .mapping(mapping)
        }
    }
}

extension Evaluator {
    /// The members as tuples of key and value.
    func pairs(of mapping: MappingValue) throws(ChatTemplateError) -> [TemplateValue] {
        var pairs: [TemplateValue] = []
        pairs.reserveCapacity(mapping.count)
        for (key, value) in zip(mapping.keys, mapping.values) {
            pairs.append(try meter.list([key, value], .tuple))
        }
        return pairs
    }
}

/// The methods of Python's `list` and `tuple` that change nothing.
enum SequenceMethod: String {
    case index, count, copy

    func call(
        _ sequence: SequenceValue,
        _ given: CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        var arguments = given
        if self == .copy {
            try arguments.finish()
            return .sequence(sequence)
        }
        let value = try arguments.require("value")
        try arguments.finish()
        var count = 0
        for (index, element) in sequence.elements.enumerated()
        where try evaluator.areEqual(element, value) {
            if self == .index { return .integer(index) }
            count += 1
        }
        guard self == .count else {
            throw ChatTemplateError(
                .type,
                "the list does not hold the value that 'index' looks for"
            )
        }
        return .integer(count)
    }
}

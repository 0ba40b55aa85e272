/// The functions that every template can call.
enum GlobalFunction: String, CaseIterable {
    case range, dict, namespace, raiseException = "raise_exception", strftimeNow = "strftime_now"

    /// How many numbers a `range` may have, as in Jinja's sandbox.
    private static let maximumRangeCount = 100_000

    func call(
        _ given: CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        var arguments = given
        switch self {
        case .range:
            return try Self.range(&arguments, meter: evaluator.meter)
        case .dict:
            return .mapping(try Self.mapping(&arguments, evaluator: evaluator))
        case .namespace:
            return evaluator.makeNamespace(try Self.mapping(&arguments, evaluator: evaluator))
        case .raiseException:
            let message = try evaluator.printedText(of: try arguments.require("message")).string
            throw ChatTemplateError(.raised, message)
        case .strftimeNow:
            let format = try arguments.requireText("format")
            try arguments.finish()
            try evaluator.meter.touch(format.count * 16)
            let text = evaluator.now.formatted(format.string)
            return .text(MarkedText(text, isTrusted: format.isTrusted))
        }
    }

    private static func range(
        _ arguments: inout CallArguments,
        meter: RenderMeter
    ) throws(ChatTemplateError) -> TemplateValue {
        var bounds: [Int] = []
        while let value = arguments.takePositional() {
            guard let bound = value.integer else {
                throw ChatTemplateError(.type, "range needs integers, not \(value.typeName)")
            }
            bounds.append(bound)
        }
        try arguments.finish()
        guard (1...3).contains(bounds.count) else {
            throw ChatTemplateError(.type, "range takes one to three integers")
        }
        let start = bounds.count > 1 ? bounds[0] : 0
        let stop = bounds.count > 1 ? bounds[1] : bounds[0]
        let step = bounds.count > 2 ? bounds[2] : 1
        guard step != 0 else { throw ChatTemplateError(.type, "range's step cannot be 0") }
        guard step > 0 ? start < stop : start > stop else { return try meter.list([]) }
        let (distance, overflow) = stop.subtractingReportingOverflow(start)
        let count = (distance.magnitude - 1) / step.magnitude + 1
        guard !overflow, count <= UInt(maximumRangeCount) else {
            throw ChatTemplateError(
                .limit,
                "range is too large; it may have \(maximumRangeCount) numbers"
            )
        }
        return try meter.list((0..<Int(count)).map { .integer(start + $0 * step) })
    }

    /// The members that `dict(…)` and `namespace(…)` are called with: a mapping or pairs, and names.
    private static func mapping(
        _ arguments: inout CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> MappingValue {
        var entries: [(name: TemplateValue, value: TemplateValue)] = []
        switch arguments.takePositional() {
        case nil: break
        case .mapping(let mapping)?: entries = Array(zip(mapping.keys, mapping.values))
        case .namespace(let namespace)?:
            entries = Array(zip(namespace.members.keys, namespace.members.values))
        case let value?:
            for pair in try evaluator.elements(of: value) {
                let parts = try evaluator.elements(of: pair)
                guard parts.count == 2 else {
                    throw ChatTemplateError(.type, "dict needs pairs of a key and a value")
                }
                entries.append((parts[0], parts[1]))
            }
        }
        while let first = arguments.named.first, let value = arguments.takeNamed(first.name) {
            entries.append((.text(trusted: first.name), value))
        }
        try arguments.finish()
        return try evaluator.meter.mapping(entries)
    }
}

// Members and elements: the only way from one value to another. Names reach the values' own data and the
// closed lists of methods, nothing else.
extension Evaluator {
    /// Methods that Python has and the sandbox of `transformers` refuses.
    private static let mutators: Set<String> = [
        "append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update",
    ]

    /// `value.name`: a method of that name, else a member.
    func attribute(
        _ name: String,
        of value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        if let found = try builtIn(name, of: value) { return found }
        if case .mapping(let mapping) = value, let member = mapping[name] { return member }
        if Self.mutators.contains(name) {
            return .undefined(
                "'\(name)' would change a \(value.typeName), which templates cannot do "
                    + "(build a new one with '+')"
            )
        }
        return .undefined("'\(value.typeName) object' has no attribute '\(name)'")
    }

    /// `value[key]`: an element or a member, else a method of that name.
    func item(
        _ key: TemplateValue,
        of value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        switch value {
        case .mapping(let mapping):
            if let key = MappingValue.key(key), let member = mapping[key] { return member }
        case .sequence(let sequence) where sequence.kind != .view:
            if let index = key.integer {
                let count = sequence.elements.count
                let place = index < 0 ? index + count : index
                if (0..<count).contains(place) { return sequence.elements[place] }
            }
        case .text(let text):
            if let index = key.integer {
                try meter.touch(min(text.count, index.magnitude > 1 << 40 ? .max : abs(index) * 4))
                if index.magnitude <= text.count, let character = text.character(at: index) {
                    return .text(character)
                }
            }
        default: break
        }
        if case .text(let name) = key, let found = try builtIn(name.string, of: value) {
            return found
        }
        let shown = key.isUndefined ? "undefined" : try representation(of: key, maximumCount: 80)
        return .undefined("'\(value.typeName) object' has no element \(shown)")
    }

    /// The methods and fixed members of a value, as Python's type has them.
    private func builtIn(
        _ name: String,
        of value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue? {
        switch value {
        case .undefined(let reason):
            throw ChatTemplateError(
                .undefined,
                "\(reason), so it has no '\(name)'; give it, or guard with 'is defined'"
            )
        case .namespace(let namespace):
            return namespace.members[name]
        case .loop(let loop):
            return try loopMember(name, of: loop)
        case .text:
            return TextMethod(rawValue: name) == nil ? nil : method(name, of: value)
        case .mapping:
            return MappingMethod(rawValue: name) == nil ? nil : method(name, of: value)
        case .sequence(let sequence) where sequence.kind != .view:
            return SequenceMethod(rawValue: name) == nil ? nil : method(name, of: value)
        case .callable(.macro(let macro)) where name == "name":
            return .text(trusted: macro.definition.name)
        default: return nil
        }
    }

    private func method(_ name: String, of receiver: TemplateValue) -> TemplateValue {
        .callable(.method(receiver: receiver, name: name))
    }

    private func loopMember(
        _ name: String,
        of loop: LoopValue
    ) throws(ChatTemplateError) -> TemplateValue? {
        let count = loop.elements.count
        switch name {
        case "index": return .integer(loop.index + 1)
        case "index0": return .integer(loop.index)
        case "revindex": return .integer(count - loop.index)
        case "revindex0": return .integer(count - loop.index - 1)
        case "first": return .bool(loop.index == 0)
        case "last": return .bool(loop.index == count - 1)
        case "length": return .integer(count)
        // These count the levels of a recursive loop, which this interpreter does not have.
        case "depth": return .integer(1)
        case "depth0": return .integer(0)
        case "previtem":
            return loop.index > 0
                ? loop.elements[loop.index - 1] : .undefined("there is no previous item")
        case "nextitem":
            return loop.index + 1 < count
                ? loop.elements[loop.index + 1] : .undefined("there is no next item")
        case "cycle", "changed": return method(name, of: .loop(loop))
        default: return nil
        }
    }

    /// `value[start:stop:step]` with Python's rules for missing, negative and too large bounds.
    func evaluateSlice(
        of operand: TemplateExpression,
        _ start: TemplateExpression?,
        _ stop: TemplateExpression?,
        _ step: TemplateExpression?
    ) throws(ChatTemplateError) -> TemplateValue {
        let value = try evaluate(operand)
        let bounds = (try bound(start), try bound(stop), try bound(step) ?? 1)
        guard bounds.2 != 0 else { throw ChatTemplateError(.type, "a slice's step cannot be 0") }
        switch value {
        case .text(let text):
            try meter.touch(text.count)
            if bounds.2 == 1 { return .text(Self.slice(text, from: bounds.0, to: bounds.1)) }
            // The offsets of all characters take eight bytes each.
            try meter.touch(text.count * 8)
            let offsets = text.scalarOffsets
            var result = MarkedText()
            for index in Self.indices(offsets.count - 1, bounds.0, bounds.1, bounds.2) {
                result.append(text, in: offsets[index]..<offsets[index + 1])
            }
            return .text(result)
        case .sequence(let sequence) where sequence.kind != .view:
            let elements = sequence.elements
            let indices = Self.indices(elements.count, bounds.0, bounds.1, bounds.2)
            return try meter.list(indices.map { elements[$0] }, sequence.kind)
        case .undefined(let reason):
            throw ChatTemplateError(.undefined, "\(reason), so it cannot be sliced")
        default:
            return .undefined("a \(value.typeName) cannot be sliced")
        }
    }

    private func bound(_ expression: TemplateExpression?) throws(ChatTemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression)
        if case .none = value { return nil }
        guard let integer = value.integer else {
            throw ChatTemplateError(
                .type,
                "a slice's bounds must be integers, not \(value.typeName)"
            )
        }
        return integer
    }

    private static func slice(_ text: MarkedText, from start: Int?, to stop: Int?) -> MarkedText {
        // Python counts code points; in ASCII these are the bytes.
        let offsets = text.isASCII ? nil : text.scalarOffsets
        let count = offsets.map { $0.count - 1 } ?? text.count
        let lower = clamp(start, count, missing: 0)
        let upper = clamp(stop, count, missing: count)
        guard lower < upper else { return MarkedText() }
        return text[(offsets?[lower] ?? lower)..<(offsets?[upper] ?? upper)]
    }

    private static func clamp(_ bound: Int?, _ count: Int, missing: Int) -> Int {
        guard let bound else { return missing }
        return bound < 0 ? max(0, bound &+ count) : min(bound, count)
    }

    private static func indices(_ count: Int, _ start: Int?, _ stop: Int?, _ step: Int) -> [Int] {
        if step > 0 {
            let lower = clamp(start, count, missing: 0)
            let upper = clamp(stop, count, missing: count)
            guard lower < upper else { return [] }
            return Array(stride(from: lower, to: upper, by: min(step, count + 1)))
        }
        func place(_ bound: Int?, missing: Int) -> Int {
            guard let bound else { return missing }
            return bound < 0 ? max(-1, bound &+ count) : min(bound, count - 1)
        }
        let upper = place(start, missing: count - 1)
        let lower = place(stop, missing: -1)
        guard upper > lower else { return [] }
        return Array(stride(from: upper, to: lower, by: max(step, -count - 1)))
    }
}

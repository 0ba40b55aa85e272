/// Counts what a rendering uses up, and ends it at the limits.
final class RenderMeter {
    /// How deep values may be nested in one another.
    static let maximumValueDepth = 256

    private let limits: ChatTemplateLimits
    private var remainingSteps: Int
    private var remainingBytes: Int
    private(set) var depth = 0

    init(limits: ChatTemplateLimits, argumentNodeCount: Int, argumentByteCount: Int) {
        self.limits = limits
        remainingSteps = limits.maximumStepCount + 128 * argumentNodeCount
        remainingBytes = limits.maximumTouchedByteCount + 64 * argumentByteCount
    }

    /// Counts visits of tree positions or list elements.
    func step(_ count: Int = 1) throws(ChatTemplateError) {
        remainingSteps -= min(count, remainingSteps + 1)
        guard remainingSteps >= 0 else {
            throw ChatTemplateError(
                .limit,
                "rendering takes more than \(limits.maximumStepCount) steps; "
                    + "the template loops too long for this conversation"
            )
        }
    }

    /// Counts bytes of text that an operation reads or makes, before it does so.
    func touch(_ byteCount: Int) throws(ChatTemplateError) {
        remainingBytes -= min(byteCount, remainingBytes + 1)
        guard remainingBytes >= 0 else {
            throw ChatTemplateError(
                .limit,
                "rendering reads and makes more than \(limits.maximumTouchedByteCount) bytes of "
                    + "text; the template copies too much"
            )
        }
    }

    /// Counts the elements of a list that an operation makes, before it does so.
    func touch(elementCount: Int) throws(ChatTemplateError) {
        try step(elementCount)
        try touch(elementCount > Int.max / 32 ? Int.max : elementCount * 32)
    }

    /// Checks the length that the prompt, or a part of it, is about to have.
    func checkOutput(byteCount: Int) throws(ChatTemplateError) {
        guard byteCount <= limits.maximumOutputByteCount else {
            throw ChatTemplateError(
                .limit,
                "the prompt is longer than \(limits.maximumOutputByteCount) bytes"
            )
        }
    }

    /// Goes one level deeper into expressions, statements, macros or values.
    func enter() throws(ChatTemplateError) {
        guard depth < limits.maximumDepth else {
            throw ChatTemplateError(
                .limit,
                "rendering is nested deeper than \(limits.maximumDepth) levels; "
                    + "look for a macro that calls itself"
            )
        }
        depth += 1
    }

    func leave() { depth -= 1 }

    /// The depth of a container with these elements.
    func depth(around elements: [TemplateValue]) throws(ChatTemplateError) -> Int {
        var deepest = 0
        for element in elements { deepest = max(deepest, element.depth) }
        guard deepest < Self.maximumValueDepth else {
            throw ChatTemplateError(
                .limit,
                "values are nested deeper than \(Self.maximumValueDepth) levels"
            )
        }
        return deepest + 1
    }

    func list(
        _ elements: [TemplateValue],
        _ kind: SequenceValue.Kind = .list
    ) throws(ChatTemplateError) -> TemplateValue {
        try touch(elementCount: elements.count)
        return .sequence(SequenceValue(kind, elements, depth: try depth(around: elements)))
    }

    func iterator(_ elements: [TemplateValue]) throws(ChatTemplateError) -> TemplateValue {
        try touch(elementCount: elements.count)
        return .iterator(IteratorValue(elements, depth: try depth(around: elements)))
    }

    /// A mapping of keys that must be hashable to values.
    func mapping(
        _ entries: [(name: TemplateValue, value: TemplateValue)]
    ) throws(ChatTemplateError) -> MappingValue {
        try touch(elementCount: entries.count)
        var deepest = 0
        var keyed: [(key: MappingValue.Key, name: TemplateValue, value: TemplateValue)] = []
        keyed.reserveCapacity(entries.count)
        for (name, value) in entries {
            guard let key = MappingValue.key(name) else {
                throw ChatTemplateError(.type, "a \(name.typeName) cannot be a key of a mapping")
            }
            keyed.append((key, name, value))
            deepest = max(deepest, value.depth, name.depth)
        }
        guard deepest < Self.maximumValueDepth else {
            throw ChatTemplateError(
                .limit,
                "values are nested deeper than \(Self.maximumValueDepth) levels"
            )
        }
        return MappingValue(keyed, depth: deepest + 1)
    }
}

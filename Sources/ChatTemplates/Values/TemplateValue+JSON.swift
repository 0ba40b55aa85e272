import JSON

/// How large the arguments of a rendering are; its limits grow with them.
struct ArgumentSize {
    var nodeCount = 0
    var byteCount = 0
}

extension TemplateValue {
    /// A JSON value as the template sees it.
    ///
    /// - Parameters:
    ///   - json: A value whose depth the JSON reader has bounded.
    ///   - isTrusted: The provenance of the texts in it.
    ///   - size: Counts the value in.
    init(_ json: JSONValue, isTrusted: Bool, size: inout ArgumentSize) {
        size.nodeCount += 1
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .double(let value): self = .float(value)
        case .string(let value):
            size.byteCount += value.utf8.count
            self = .text(MarkedText(value, isTrusted: isTrusted))
        case .array(let elements):
            var values: [TemplateValue] = []
            values.reserveCapacity(elements.count)
            for element in elements {
                values.append(TemplateValue(element, isTrusted: isTrusted, size: &size))
            }
            let depth = (values.map(\.depth).max() ?? 0) + 1
            self = .sequence(SequenceValue(.list, values, depth: depth))
        case .object(let object):
            var deepest = 0
            var entries: [(key: MappingValue.Key, name: TemplateValue, value: TemplateValue)] = []
            entries.reserveCapacity(object.count)
            for (key, member) in object.members {
                let name = MarkedText(key, isTrusted: isTrusted)
                size.byteCount += name.count
                let value = TemplateValue(member, isTrusted: isTrusted, size: &size)
                deepest = max(deepest, value.depth)
                entries.append((.text(name.bytes), .text(name), value))
            }
            self = .mapping(MappingValue(entries, depth: deepest + 1))
        }
    }
}

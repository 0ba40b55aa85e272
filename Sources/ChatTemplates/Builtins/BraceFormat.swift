/// Python's `str.format`: `{}`, `{0}`, `{name}`, each with members, elements and a layout.
enum BraceFormat {
    static func format(
        _ format: MarkedText,
        _ arguments: CallArguments,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> MarkedText {
        let bytes = format.bytes
        var result = MarkedText()
        var nextIndex = 0
        var offset = 0
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") else {
                let end = bytes[offset...].firstIndex { $0 == 0x7B || $0 == 0x7D } ?? bytes.count
                result.append(format, in: offset..<end)
                offset = end
                continue
            }
            if offset + 1 < bytes.count, bytes[offset + 1] == byte {
                result.append(format, in: offset..<offset + 1)
                offset += 2
                continue
            }
            guard byte == UInt8(ascii: "{"),
                let close = bytes[offset...].firstIndex(of: UInt8(ascii: "}"))
            else { throw ChatTemplateError(.type, "a brace stands alone in a format") }
            let field = String(decoding: bytes[offset + 1..<close], as: UTF8.self)
            let text = try lay(field, arguments, &nextIndex, evaluator: evaluator)
            try evaluator.meter.touch(text.count)
            result.append(text)
            offset = close + 1
        }
        return result
    }

    private static func lay(
        _ field: String,
        _ arguments: CallArguments,
        _ nextIndex: inout Int,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> MarkedText {
        let parts = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = try find(parts[0], arguments, &nextIndex, evaluator: evaluator)
        guard parts.count > 1, !parts[1].isEmpty else {
            return try evaluator.printedText(of: value)
        }
        return try FormatSpecification(String(parts[1])).lay(value, evaluator: evaluator)
    }

    private static func find(
        _ name: Substring,
        _ arguments: CallArguments,
        _ nextIndex: inout Int,
        evaluator: Evaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        let head = name.prefix { $0 != "." && $0 != "[" }
        var rest = name.dropFirst(head.count)
        var value: TemplateValue
        if head.isEmpty || Int(head) != nil {
            let index = Int(head) ?? nextIndex
            nextIndex += head.isEmpty ? 1 : 0
            guard arguments.positional.indices.contains(index) else {
                throw ChatTemplateError(.type, "the format has more places than there are values")
            }
            value = arguments.positional[index]
        } else {
            guard let named = arguments.named.first(where: { $0.name == head }) else {
                throw ChatTemplateError(.type, "the format names '\(head)', which was not given")
            }
            value = named.value
        }
        while let mark = rest.popFirst() {
            let part = rest.prefix { mark == "[" ? $0 != "]" : $0 != "." && $0 != "[" }
            rest = rest.dropFirst(part.count + (mark == "[" ? 1 : 0))
            if mark == "." {
                value = try evaluator.attribute(String(part), of: value)
            } else {
                let key =
                    Int(part).map { TemplateValue.integer($0) } ?? .text(trusted: String(part))
                value = try evaluator.item(key, of: value)
            }
        }
        return value
    }
}

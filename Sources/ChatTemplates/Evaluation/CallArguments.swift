/// The evaluated arguments of a call, taken by position or by name.
struct CallArguments {
    private(set) var positional: [TemplateValue]
    private(set) var named: [(name: String, value: TemplateValue)]

    init(_ positional: [TemplateValue] = [], named: [(name: String, value: TemplateValue)] = []) {
        self.positional = positional
        self.named = named
    }

    /// Takes the argument at the front, or the one with the name; nil when neither is there.
    mutating func take(_ name: String) -> TemplateValue? {
        if !positional.isEmpty { return positional.removeFirst() }
        return takeNamed(name)
    }

    /// Takes the argument with the name; nil when there is none.
    mutating func takeNamed(_ name: String) -> TemplateValue? {
        guard let index = named.firstIndex(where: { $0.name == name }) else { return nil }
        return named.remove(at: index).value
    }

    /// Takes the argument at the front without a name; nil when there is none.
    mutating func takePositional() -> TemplateValue? {
        positional.isEmpty ? nil : positional.removeFirst()
    }

    /// Takes an argument that must be there.
    mutating func require(_ name: String) throws(ChatTemplateError) -> TemplateValue {
        guard let value = take(name) else {
            throw ChatTemplateError(.type, "the argument '\(name)' is missing")
        }
        return value
    }

    /// Takes an argument that is an integer, if it is there and not `none`.
    mutating func takeInteger(_ name: String) throws(ChatTemplateError) -> Int? {
        switch take(name) {
        case nil, .some(.none): return nil
        case let value?:
            guard let integer = value.integer else {
                throw ChatTemplateError(
                    .type,
                    "the argument '\(name)' must be an integer, not a \(value.typeName)"
                )
            }
            return integer
        }
    }

    /// Takes an argument that is a text, if it is there and not `none`.
    mutating func takeText(_ name: String) throws(ChatTemplateError) -> MarkedText? {
        switch take(name) {
        case nil, .some(.none): return nil
        case .text(let text): return text
        case let value?:
            throw ChatTemplateError(
                .type,
                "the argument '\(name)' must be a string, not a \(value.typeName)"
            )
        }
    }

    /// Takes an argument that must be there and a text.
    mutating func requireText(_ name: String) throws(ChatTemplateError) -> MarkedText {
        guard let text = try takeText(name) else {
            throw ChatTemplateError(.type, "the argument '\(name)' is missing; it must be a string")
        }
        return text
    }

    /// Takes an argument as Python's truth, if it is there.
    mutating func takeBool(_ name: String) -> Bool? { take(name)?.isTruthy }

    /// Refuses what nobody took.
    func finish() throws(ChatTemplateError) {
        if let extra = named.first {
            throw ChatTemplateError(.type, "there is no argument '\(extra.name)'")
        }
        guard positional.isEmpty else {
            throw ChatTemplateError(.type, "\(positional.count) arguments are too many")
        }
    }
}

package import JSON

extension GrammarExpression {
    /// The expression as a JSON value, which `init(json:)` reads back.
    package var jsonValue: JSONValue {
        switch self {
        case .literal(let text): ["literal": .string(text)]
        case .sequence(let parts): ["sequence": .array(parts.map(\.jsonValue))]
        case .choice(let parts): ["choice": .array(parts.map(\.jsonValue))]
        case .repetition(let part, let minimum, let maximum):
            [
                "repetition": part.jsonValue, "minimum": .integer(minimum),
                "maximum": maximum.map { .integer($0) } ?? .null,
            ]
        case .regex(let text, let path): ["regex": .string(text), "path": .string(path)]
        case .jsonSchema(let schema, let path): ["jsonSchema": schema, "path": .string(path)]
        case .gbnf(let text, let path): ["gbnf": .string(text), "path": .string(path)]
        case .text(let terminators, let controlTokens):
            [
                "textWithout": .array(terminators.map { .string($0) }),
                "controlTokens": .bool(controlTokens),
            ]
        case .controlToken(let text): ["controlToken": .string(text)]
        }
    }

    /// Reads an expression back; nil when the value isn't one.
    package init?(json: JSONValue) {
        guard let object = json.objectValue, let (kind, value) = object.members.first else {
            return nil
        }
        let path = object["path"]?.stringValue
        func parts() -> [GrammarExpression]? {
            guard let elements = value.arrayValue else { return nil }
            let parts = elements.compactMap { GrammarExpression(json: $0) }
            return parts.count == elements.count ? parts : nil
        }
        switch kind {
        case "literal":
            guard let text = value.stringValue else { return nil }
            self = .literal(text)
        case "sequence":
            guard let parts = parts() else { return nil }
            self = .sequence(parts)
        case "choice":
            guard let parts = parts() else { return nil }
            self = .choice(parts)
        case "repetition":
            guard let part = GrammarExpression(json: value),
                let minimum = object["minimum"]?.intValue, let maximum = object["maximum"],
                maximum.isNull || maximum.intValue != nil
            else { return nil }
            self = .repetition(part, minimum: minimum, maximum: maximum.intValue)
        case "regex":
            guard let text = value.stringValue, let path else { return nil }
            self = .regex(text, path: path)
        case "jsonSchema":
            guard let path else { return nil }
            self = .jsonSchema(value, path: path)
        case "gbnf":
            guard let text = value.stringValue, let path else { return nil }
            self = .gbnf(text, path: path)
        case "textWithout":
            guard let elements = value.arrayValue,
                let controlTokens = object["controlTokens"]?.boolValue
            else { return nil }
            let texts = elements.compactMap(\.stringValue)
            guard texts.count == elements.count else { return nil }
            self = .text(notContaining: texts, controlTokens: controlTokens)
        case "controlToken":
            guard let text = value.stringValue else { return nil }
            self = .controlToken(text)
        default:
            return nil
        }
    }
}

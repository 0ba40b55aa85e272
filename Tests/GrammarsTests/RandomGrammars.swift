import JSON
import TestSupport

/// Random grammars of every kind over few characters, so that tokens often fit.
struct RandomGrammars {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[random.int(in: 0...elements.count - 1)]
    }

    // MARK: GBNF

    /// Rules refer only to later ones or, behind a character, to any: never left-recursive.
    mutating func gbnf() -> String {
        let names = ["root", "x", "y", "z"]
        return names.indices.map { index in
            let branches = (0...random.int(in: 0...2)).map { _ in
                gbnfSequence(names: names, from: index + 1)
            }
            return "\(names[index]) ::= \(branches.joined(separator: " | "))"
        }.joined(separator: "\n")
    }

    private mutating func gbnfSequence(names: [String], from first: Int) -> String {
        var parts: [String] = []
        for _ in 0...random.int(in: 0...2) {
            var part: String
            switch random.int(in: 0...5) {
            case 0: part = "[ab1]"
            case 1: part = "[^a\"\\\\]"
            case 2 where first < names.count:
                part = names[random.int(in: first...names.count - 1)]
            case 3: part = "(\"(\" \(pick(names)) \")\")"
            case 4: part = "(\"ab\" | \"1\" | \"日\")"
            default: part = "\"\(pick(["a", "ab", "1", " ", "+", "é"]))\""
            }
            if random.chance(0.4) { part += pick(["*", "+", "?", "{2}", "{1,3}", "{0,40}", "{30,}"]) }
            parts.append(part)
        }
        return parts.joined(separator: " ")
    }

    // MARK: Regular expressions

    mutating func regex(depth: Int) -> String {
        var text = ""
        for _ in 0...random.int(in: 0...3) {
            switch random.int(in: 0...(depth < 2 ? 7 : 5)) {
            case 0: text += "[abc]"
            case 1: text += "[^a\\d]"
            case 2: text += "\\d"
            case 3: text += "."
            case 4: text += pick(["a", "b", "日", "\\+", "\\n"])
            case 5: text += "ab"
            case 6: text += "(?:\(regex(depth: depth + 1))|\(regex(depth: depth + 1)))"
            default: text += "(\(regex(depth: depth + 1)))"
            }
            if random.chance(0.4) { text += pick(["*", "+", "?", "{2}", "{1,3}", "{0,30}", "{20,}"]) }
        }
        return text
    }

    // MARK: Schemas

    mutating func schema(depth: Int) -> JSONValue {
        switch random.int(in: 0...(depth < 3 ? 9 : 5)) {
        case 0: return ["type": "integer", "minimum": .integer(random.int(in: -20...20))]
        case 1:
            return [
                "type": "number", "minimum": .double(Double(random.int(in: -20...20)) / 4),
                "exclusiveMaximum": .integer(random.int(in: -3...200)),
            ]
        case 2:
            return [
                "type": "string", "minLength": .integer(random.int(in: 0...3)),
                "maxLength": .integer(random.int(in: 2...120)),
            ]
        case 3: return ["type": "string", "pattern": .string(regex(depth: 1))]
        case 4: return ["enum": .array([pick(["a", "ab", 1]), pick([nil, true, "é\""])])]
        case 5: return pick([true, ["type": "null"], ["type": "boolean"], ["type": "string"]])
        case 6:
            return [
                "type": "array", "items": schema(depth: depth + 1),
                "minItems": .integer(random.int(in: 0...2)),
                "maxItems": .integer(random.int(in: 1...50)),
            ]
        case 7: return ["anyOf": [schema(depth: depth + 1), schema(depth: depth + 1)]]
        default: return objectSchema(depth: depth)
        }
    }

    private mutating func objectSchema(depth: Int) -> JSONValue {
        var properties: JSONObject = [:]
        var required: [JSONValue] = []
        for name in ["a", "name", "x"] where random.chance(0.6) {
            properties[name] = schema(depth: depth + 1)
            if random.chance(0.5) { required.append(.string(name)) }
        }
        var object: JSONObject = [
            "type": "object", "properties": .object(properties), "required": .array(required),
        ]
        if random.chance(0.3) { object["additionalProperties"] = schema(depth: depth + 1) }
        if random.chance(0.2) { object["maxProperties"] = .integer(random.int(in: 1...4)) }
        return .object(object)
    }
}

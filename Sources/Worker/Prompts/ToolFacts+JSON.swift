import ChatTemplates
import JSON

extension ToolFacts {
    /// The facts of a tool as clients describe it; nil if it has no name.
    init?(_ tool: JSONValue) {
        guard let function = tool["function"], let name = function["name"]?.stringValue else {
            return nil
        }
        var types: [String: Set<String>] = [:]
        for (key, schema) in function["parameters"]?["properties"]?.objectValue?.members ?? [] {
            if let known = Self.types(schema, depth: 0) { types[key] = known }
        }
        self.init(name: name, parameterTypes: types)
    }

    /// The types that a schema allows, nil if it does not say.
    private static func types(_ schema: JSONValue, depth: Int) -> Set<String>? {
        if let type = schema["type"]?.stringValue { return [type] }
        if let several = schema["type"]?.arrayValue {
            return Set(several.compactMap(\.stringValue))
        }
        if let values = schema["enum"]?.arrayValue, values.allSatisfy({ $0.stringValue != nil }) {
            return ["string"]
        }
        guard depth < 4, let choices = (schema["anyOf"] ?? schema["oneOf"])?.arrayValue else {
            return nil
        }
        var all: Set<String> = []
        for choice in choices {
            guard let known = types(choice, depth: depth + 1) else { return nil }
            all.formUnion(known)
        }
        return all
    }
}

/// The keywords of JSON Schema by what is done with them.
enum SchemaKeywords {
    /// What describes and does not constrain (Core §8, Validation §8 and §9, OpenAPI's additions).
    static let annotations: Set<String> = [
        "$anchor", "$comment", "$defs", "$id", "$schema", "contentEncoding", "contentMediaType",
        "contentSchema", "default", "definitions", "deprecated", "description", "discriminator",
        "enumNames", "example", "examples", "externalDocs", "name", "propertyOrdering", "readOnly",
        "strict", "title", "writeOnly", "xml",
    ]

    /// What joins schemas.
    static let applicators: Set<String> = ["$ref", "allOf", "anyOf", "oneOf"]

    /// What constrains one kind of value.
    static let kinds: [String: SchemaTypes] = [
        "minimum": .number, "maximum": .number, "exclusiveMinimum": .number,
        "exclusiveMaximum": .number, "multipleOf": .number,
        "minLength": .string, "maxLength": .string, "pattern": .string, "format": .string,
        "items": .array, "prefixItems": .array, "minItems": .array, "maxItems": .array,
        "uniqueItems": .array,
        "properties": .object, "required": .object, "additionalProperties": .object,
        "patternProperties": .object, "propertyNames": .object, "minProperties": .object,
        "maxProperties": .object,
    ]

    /// What a grammar cannot carry, with the reason.
    static let refused: [String: String] = [
        "not": "the opposite of a schema cannot be enforced; list what is allowed instead",
        "if": "conditions cannot be enforced; use 'anyOf'",
        "then": "conditions cannot be enforced; use 'anyOf'",
        "else": "conditions cannot be enforced; use 'anyOf'",
        "contains": "it cannot be enforced token by token; constrain 'items' instead",
        "minContains": "it cannot be enforced token by token; constrain 'items' instead",
        "maxContains": "it cannot be enforced token by token; constrain 'items' instead",
        "dependentRequired": "it cannot be enforced; use 'anyOf' with 'required'",
        "dependentSchemas": "it cannot be enforced; use 'anyOf'",
        "dependencies": "it cannot be enforced; use 'anyOf'",
        "unevaluatedItems": "what others leave is not known; use 'items'",
        "unevaluatedProperties": "what others leave is not known; use 'additionalProperties'",
        "$dynamicRef": "only '$ref' is supported",
        "$recursiveRef": "only '$ref' is supported",
        "additionalItems": "it is of an older draft; use 'prefixItems' and 'items'",
        "nullable": "it is OpenAPI's; use a type array with 'null'",
    ]
}

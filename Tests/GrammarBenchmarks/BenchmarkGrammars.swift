import Grammars
import JSON
import TestSupport

/// Grammars as people send them, and a way to write outputs of them.
enum BenchmarkGrammars {
    static var all: [(String, GrammarExpression)] {
        [
            ("json_object", .jsonObject),
            ("person", .jsonSchema(person, path: "")),
            ("order", .jsonSchema(order, path: "")),
            ("recursive", .jsonSchema(tree, path: "")),
            ("formats", .jsonSchema(formats, path: "")),
            ("wide", .jsonSchema(wide, path: "")),
            ("regex", .regex(#"(\w+ ){3,10}\w+[.!?]"#, path: "")),
            ("gbnf arithmetic", .gbnf(arithmetic, path: "")),
            ("gbnf words", .gbnf("root ::= letter+ ([ \\n] letter+)*\nletter ::= [a-zA-Z]", path: "")),
            (
                "strict tool",
                .triggered([
                    (
                        "<tool_call>",
                        .sequence([
                            .literal("\n{\"name\": \"f\", \"arguments\": "),
                            .jsonSchema(person, path: ""), .literal("}\n</tool_call>"),
                        ])
                    )
                ])
            ),
        ]
    }

    /// A token that is allowed: mostly of those with few bits before them, as models prefer common
    /// tokens.
    static func choose(
        _ mask: TokenMask,
        _ random: inout SeededGenerator,
        _ count: Int
    ) -> Int32? {
        let start = random.chance(0.5) ? random.int(in: 0...min(20_000, count - 1)) : random.int(in: 0...count - 1)
        for offset in 0..<count {
            let token = Int32((start + offset) % count)
            if mask.contains(token) { return token }
        }
        return nil
    }

    static let person: JSONValue = [
        "type": "object",
        "properties": [
            "name": ["type": "string", "minLength": 1, "maxLength": 80],
            "age": ["type": "integer", "minimum": 0, "maximum": 150],
            "email": ["type": "string"],
            "tags": ["type": "array", "items": ["type": "string"], "maxItems": 10],
            "role": ["enum": ["admin", "user", "guest"]],
        ],
        "required": ["name", "age", "email", "tags", "role"],
        "additionalProperties": false,
    ]

    static let order: JSONValue = [
        "$defs": [
            "address": [
                "type": "object",
                "properties": [
                    "street": ["type": "string"], "city": ["type": "string"],
                    "zip": ["type": "string", "pattern": "^[0-9]{5}$"],
                ],
                "required": ["street", "city", "zip"],
            ],
            "line": [
                "type": "object",
                "properties": [
                    "sku": ["type": "string", "pattern": "^[A-Z]{2,4}-[0-9]+$"],
                    "quantity": ["type": "integer", "minimum": 1, "maximum": 999],
                    "price": ["type": "number", "exclusiveMinimum": 0],
                    "note": ["type": ["string", "null"]],
                ],
                "required": ["sku", "quantity", "price"],
            ],
        ],
        "type": "object",
        "properties": [
            "id": ["type": "string", "format": "uuid"],
            "created": ["type": "string", "format": "date-time"],
            "shipping": ["$ref": "#/$defs/address"],
            "billing": ["anyOf": [["$ref": "#/$defs/address"], ["type": "null"]]],
            "lines": ["type": "array", "items": ["$ref": "#/$defs/line"], "minItems": 1],
            "payment": [
                "oneOf": [
                    [
                        "type": "object",
                        "properties": ["kind": ["const": "card"], "number": ["type": "string"]],
                        "required": ["kind", "number"],
                    ],
                    [
                        "type": "object",
                        "properties": ["kind": ["const": "transfer"], "iban": ["type": "string"]],
                        "required": ["kind", "iban"],
                    ],
                ]
            ],
        ],
        "required": ["id", "created", "shipping", "billing", "lines", "payment"],
    ]

    static let tree: JSONValue = [
        "$defs": [
            "node": [
                "type": "object",
                "properties": [
                    "name": ["type": "string"],
                    "children": ["type": "array", "items": ["$ref": "#/$defs/node"]],
                ],
                "required": ["name", "children"],
            ]
        ],
        "$ref": "#/$defs/node",
    ]

    static let formats: JSONValue = [
        "type": "object",
        "properties": [
            "date": ["type": "string", "format": "date"],
            "time": ["type": "string", "format": "date-time"],
            "mail": ["type": "string", "format": "email"],
            "site": ["type": "string", "format": "uri"],
            "host": ["type": "string", "format": "hostname"],
            "four": ["type": "string", "format": "ipv4"],
            "six": ["type": "string", "format": "ipv6"],
        ],
        "required": ["date", "time", "mail", "site", "host", "four", "six"],
    ]

    /// Two hundred optional properties.
    static var wide: JSONValue {
        var properties: JSONObject = [:]
        for index in 0..<200 {
            properties["property_\(index)"] = [
                "type": "string", "description": "One of many.", "maxLength": .integer(index + 1),
            ]
        }
        return ["type": "object", "properties": .object(properties)]
    }

    static let arithmetic = """
        root  ::= (expr "=" ws term "\\n")+
        expr  ::= term ([-+*/] term)*
        term  ::= ident | num | "(" ws expr ")" ws
        ident ::= [a-z] [a-z0-9_]* ws
        num   ::= [0-9]+ ws
        ws    ::= [ \\t\\n]*
        """
}

import Grammars
import JSON
import Testing

/// What texts a schema's grammar accepts: all that are accepted are valid.
@Suite struct JSONSchemaTests {
    private let small = SmallVocabulary()

    struct Case: CustomTestStringConvertible, Sendable {
        let schema: String
        let accepted: [String]
        let rejected: [String]
        var testDescription: String { schema }

        init(_ schema: String, _ accepted: [String], not rejected: [String]) {
            self.schema = schema
            self.accepted = accepted
            self.rejected = rejected
        }
    }

    static let cases = [
        Case("true", ["1", "{}", "[1, \"a\"]", "null", "-0.5e3"], not: ["", "01", "nul", "{\"a\"}", "[1,]"]),
        Case(#"{"type":"integer"}"#, ["0", "-7", "123"], not: ["1.5", "00", "-", "1e2", "\"1\""]),
        Case(#"{"type":"number"}"#, ["0", "-7.25", "1e9", "1E+9"], not: [".5", "1.", "1e", "1e999"]),
        Case(#"{"type":["string","null"]}"#, ["\"\"", "null", "\"a\\n\\u00e9\\ud83d\\ude00é😀\""], not: ["1", "\"\n\"", "\"\\ud83d\"", "\"\\x\"", "\"a"]),
        Case(#"{"enum":["a","b\"c",1,null,{"k":[1]}]}"#, ["\"a\"", #""b\"c""#, "1", "null", #"{"k":[1]}"#], not: ["\"c\"", "2"]),
        Case(#"{"type":"string","enum":["a",1,null]}"#, ["\"a\""], not: ["1", "null"]),
        Case(#"{"const":{"a":1.5}}"#, [#"{"a":1.5}"#], not: ["{}", "1.5"]),
        Case(#"{"type":"string","minLength":2,"maxLength":3}"#, ["\"ab\"", "\"日本語\"", "\"\\u00e9\\n\""], not: ["\"a\"", "\"abcd\"", "\"\""]),
        Case(#"{"type":"string","maxLength":100}"#, ["\"\"", "\"" + String(repeating: "é", count: 100) + "\""], not: ["\"" + String(repeating: "a", count: 101) + "\""]),
        Case(#"{"type":"string","pattern":"^a+b$"}"#, ["\"ab\"", "\"aaab\""], not: ["\"b\"", "\"xab\"", "\"abx\""]),
        Case(#"{"type":"string","pattern":"b."}"#, ["\"bc\"", "\"abcd\"", "\"b\\\"\""], not: ["\"b\"", "\"b\\n\"", "\"b\"\""]),
        Case(#"{"type":"string","pattern":"^[a-z]*$","minLength":2,"maxLength":4}"#, ["\"ab\"", "\"abcd\""], not: ["\"a\"", "\"abcde\"", "\"A1\""]),
        Case(#"{"type":"string","pattern":"^a|b$"}"#, ["\"ax\"", "\"xb\""], not: ["\"xa\"", "\"bx\""]),
        Case(#"{"allOf":[{"pattern":"a"},{"pattern":"b"}],"type":"string"}"#, ["\"ab\"", "\"bxa\""], not: ["\"a\"", "\"b\""]),
        Case(#"{"type":"integer","minimum":3,"maximum":120}"#, ["3", "9", "10", "99", "100", "120"], not: ["2", "121", "0", "-5", "1000", "03"]),
        Case(#"{"type":"integer","exclusiveMinimum":-5,"exclusiveMaximum":5}"#, ["-4", "0", "4"], not: ["-5", "5", "-0", "44"]),
        Case(#"{"type":"integer","minimum":-200,"maximum":-11}"#, ["-200", "-11", "-99"], not: ["-201", "-10", "0", "11"]),
        Case(#"{"type":"number","minimum":0.5,"exclusiveMaximum":2}"#, ["0.5", "0.51", "1", "1.99"], not: ["0.4", "0", "2", "2.0", "-1", "1e0"]),
        Case(#"{"type":"number","exclusiveMinimum":0}"#, ["0.1", "0.001", "5"], not: ["0", "0.0", "-1"]),
        Case(#"{"type":"number","maximum":-1.25}"#, ["-1.25", "-1.3", "-2", "-10"], not: ["-1.2", "0", "1", "-1.249"]),
        Case(#"{"type":"integer","multipleOf":7}"#, ["0", "7", "-14", "700"], not: ["1", "13", "-0"]),
        Case(#"{"type":"number","multipleOf":0.25}"#, ["0", "0.25", "0.5", "1.75", "3", "2.5"], not: ["0.1", "0.3", "0.125"]),
        Case(#"{"type":"integer","minimum":10,"maximum":30,"multipleOf":9}"#, ["18", "27"], not: ["9", "36", "20"]),
        Case(#"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}"#, ["[1]", "[1,2]", "[1, 2,\n 3]"], not: ["[]", "[1,2,3,4]", "[\"a\"]", "[1,]"]),
        Case(#"{"type":"array"}"#, ["[]", "[ ]", "[1]", "[[],{}]"], not: ["[,]", "[  ]"]),
        Case(#"{"type":"array","items":{"type":"null"},"minItems":40}"#, ["[" + Array(repeating: "null", count: 40).joined(separator: ",") + "]"], not: ["[" + Array(repeating: "null", count: 39).joined(separator: ",") + "]"]),
        Case(#"{"type":"array","items":false}"#, ["[]"], not: ["[1]"]),
        Case(#"{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false}"#, ["[]", "[\"a\"]", "[\"a\",1]"], not: ["[1]", "[\"a\",1,2]"]),
        Case(#"{"type":"array","prefixItems":[{"type":"string"}],"items":{"type":"integer"},"minItems":2,"maxItems":3}"#, ["[\"a\",1]", "[\"a\",1,2]"], not: ["[\"a\"]", "[\"a\",1,2,3]"]),
        Case(#"{"type":"object"}"#, ["{}", #"{"a": 1}"#, #"{"a":1,"b":[{}]}"#], not: ["[]", #"{"a"}"#, #"{"a":1,}"#, #"{a:1}"#]),
        Case(#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]}"#, [#"{"a":1}"#, #"{"a": 1, "b": "x"}"#, "{\n  \"a\": 1,\n  \"b\": \"\"\n}"], not: ["{}", #"{"b":"x"}"#, #"{"b":"x","a":1}"#, #"{"a":1,"c":2}"#, #"{"a":1,"a":2}"#]),
        Case(#"{"properties":{"a":{},"b":{},"c":{}}}"#, ["{}", #"{"a":1}"#, #"{"b":1}"#, #"{"c":1}"#, #"{"a":1,"c":2}"#, #"{"b":1,"c":2}"#], not: [#"{"c":1,"a":2}"#, #"{,"a":1}"#, #"{"a":1"b":2}"#]),
        Case(#"{"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":{"type":"integer"}}"#, ["{}", #"{"a":null}"#, #"{"a":null,"b":1,"aa":2}"#, #"{"":3}"#], not: [#"{"a":1}"#, #"{"b":null}"#, #"{"b":1,"a":null}"#]),
        Case(#"{"type":"object","additionalProperties":false}"#, ["{}", "{ }"], not: [#"{"a":1}"#]),
        Case(#"{"type":"object","patternProperties":{"^n_":{"type":"integer"}},"additionalProperties":{"type":"string"}}"#, [#"{"n_a":1,"x":"y"}"#], not: [#"{"n_a":"y"}"#, #"{"x":1}"#]),
        Case(#"{"type":"object","required":["z"],"properties":{"a":{"type":"null"}}}"#, [#"{"z":1}"#, #"{"a":null,"z":[]}"#], not: ["{}", #"{"a":null}"#]),
        Case(#"{"type":"object","properties":{"a":{},"b":{},"c":{}},"minProperties":2}"#, [#"{"a":1,"b":1}"#, #"{"b":1,"c":1}"#, #"{"a":1,"b":1,"c":1}"#], not: ["{}", #"{"a":1}"#]),
        Case(#"{"type":"object","properties":{"a":{},"b":{},"c":{}},"maxProperties":1}"#, ["{}", #"{"b":1}"#], not: [#"{"a":1,"b":1}"#]),
        Case(#"{"type":"object","additionalProperties":{"type":"null"},"minProperties":1,"maxProperties":2}"#, [#"{"a":null}"#, #"{"a":null,"b":null}"#], not: ["{}", #"{"a":null,"b":null,"c":null}"#]),
        Case(#"{"type":"object","propertyNames":{"pattern":"^[a-c]+$"}}"#, ["{}", #"{"abc":1}"#], not: [#"{"d":1}"#, #"{"":1}"#]),
        Case(#"{"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]}"#, ["1", "\"a\""], not: ["\"ab\"", "null"]),
        Case(#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}"#, [#"{"a":1}"#, #"{"b":1}"#, #"{"a":1,"b":2}"#], not: ["{}"]),
        Case(#"{"oneOf":[{"type":"integer"},{"type":"string"}]}"#, ["1", "\"a\""], not: ["null", "1.5"]),
        Case(#"{"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"x":{"type":"integer"}},"required":["t","x"]},{"type":"object","properties":{"t":{"const":"b"},"y":{"type":"null"}},"required":["t"]}]}"#, [#"{"t":"a","x":1}"#, #"{"t":"b"}"#, #"{"t":"b","y":null}"#], not: [#"{"t":"a"}"#, #"{"t":"b","x":1}"#]),
        Case(#"{"oneOf":[{"type":"object","properties":{"a":{}},"required":["a"]},{"type":"object","properties":{"b":{}},"required":["b"]}]}"#, [#"{"a":1}"#, #"{"b":1}"#], not: [#"{"a":1,"b":1}"#, "{}"]),
        Case(#"{"oneOf":[{"type":"integer","maximum":3},{"type":"integer","minimum":10}]}"#, ["3", "10"], not: ["5"]),
        Case(#"{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"null"}},"required":["b"]}]}"#, [#"{"a":1,"b":null}"#], not: [#"{"a":1}"#, "{}"]),
        Case(#"{"allOf":[{"type":"integer","minimum":5},{"maximum":7}]}"#, ["5", "7"], not: ["4", "8"]),
        Case(#"{"allOf":[{"properties":{"a":{"minimum":2}},"type":"object"},{"properties":{"a":{"type":"integer","maximum":4}}}]}"#, ["{}", #"{"a":3}"#], not: [#"{"a":1}"#, #"{"a":5}"#]),
        Case(##"{"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/n"}},"required":["v"]}},"$ref":"#/$defs/n"}"##, [#"{"v":1}"#, #"{"v":1,"next":{"v":2,"next":{"v":3}}}"#], not: [#"{"next":{"v":1}}"#, #"{"v":1,"next":1}"#]),
        Case(##"{"type":"array","items":{"$ref":"#"}}"##, ["[]", "[[],[[]]]"], not: ["[1]", "[[]"]),
        Case(##"{"$defs":{"a/b":{"type":"null"},"c%d":{"$anchor":"here","type":"boolean"}},"type":"array","prefixItems":[{"$ref":"#/$defs/a~1b"},{"$ref":"#here"},{"$ref":"#/$defs/c%25d"}]}"##, ["[null,true,false]", "[]"], not: ["[1]", "[null,null]"]),
        Case(#"{"type":"string","format":"date"}"#, ["\"2024-02-29\"", "\"1999-12-31\""], not: ["\"2023-02-29\"", "\"2024-13-01\"", "\"2024-1-1\"", "\"1900-02-29\""]),
        Case(#"{"type":"string","format":"date-time"}"#, ["\"2024-05-01T23:59:59Z\"", "\"2024-05-01T00:00:00.123+02:00\""], not: ["\"2024-05-01\"", "\"2024-05-01T24:00:00Z\""]),
        Case(#"{"type":"string","format":"uuid"}"#, ["\"123e4567-e89b-12d3-a456-426614174000\""], not: ["\"123e4567\""]),
        Case(#"{"type":"string","format":"ipv4"}"#, ["\"192.168.0.255\""], not: ["\"256.1.1.1\"", "\"01.1.1.1\"", "\"1.1.1\""]),
        Case(#"{"type":"string","format":"email"}"#, ["\"a.b@example.org\""], not: ["\"a\"", "\"@b.c\"", "\"a@b\""]),
        Case(#"{"type":"integer","format":"int32"}"#, ["5"], not: ["\"5\""]),
        Case(#"{"title":"T","description":"d","default":1,"examples":[1],"deprecated":true,"$comment":"c","x-order":1,"type":"null"}"#, ["null"], not: ["1"]),
    ]

    @Test(arguments: cases)
    func `accepts what is valid and rejects what is not`(example: Case) throws {
        let schema = try JSONValue.parse(example.schema)
        let expression = GrammarExpression.jsonSchema(schema, path: "schema")
        for text in example.accepted {
            #expect(try small.accepts(text, expression), "should accept \(text)")
        }
        for text in example.rejected {
            #expect(try !small.accepts(text, expression), "should reject \(text)")
        }
    }

    @Test(
        arguments: [
            (#"{"properties":{"x":{"not":{}}}}"#, "schema.properties.x.not"),
            (#"{"if":{},"then":{}}"#, "schema.if"),
            (#"{"type":"array","uniqueItems":true}"#, "schema.uniqueItems"),
            (#"{"type":"array","contains":{}}"#, "schema.contains"),
            (#"{"maximun":1}"#, "schema.maximun"),
            (#"{"type":"text"}"#, "schema.type"),
            (#"{"type":["string",1]}"#, "schema.type"),
            (#"{"anyOf":[]}"#, "schema.anyOf"),
            (#"{"items":[{}]}"#, "schema.items"),
            (#"{"minLength":-1}"#, "schema.minLength"),
            (#"{"pattern":"("}"#, "schema.pattern"),
            (#"{"pattern":"(?=a)b"}"#, "schema.pattern"),
            (#"{"pattern":"(a)\\1"}"#, "schema.pattern"),
            (#"{"format":"postcode"}"#, "schema.format"),
            (##"{"$ref":"#/$defs/none"}"##, #"schema["$ref"]"#),
            (#"{"$ref":"https://example.org/x"}"#, #"schema["$ref"]"#),
            (##"{"$ref":"#"}"##, "schema"),
            (#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#, "schema.oneOf"),
            (#"{"oneOf":[{"type":"string"},{"minLength":2}]}"#, "schema.oneOf"),
            (#"{"type":"object","minProperties":3}"#, "schema.minProperties"),
            (#"{"type":"integer","minimum":5,"maximum":4}"#, "schema"),
            (#"{"allOf":[{"type":"string"},{"type":"null"}]}"#, "schema"),
            (##"{"$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/a"},"minItems":1}},"$ref":"#/$defs/a"}"##, "schema"),
            ("1", "schema"),
        ]
    )
    func `refuses what cannot be enforced, with its path`(schema: String, path: String) throws {
        let schema = try JSONValue.parse(schema)
        let error = #expect(throws: GrammarError.self) {
            try Grammar(.jsonSchema(schema, path: "schema"))
        }
        #expect(error?.path == path)
    }
}

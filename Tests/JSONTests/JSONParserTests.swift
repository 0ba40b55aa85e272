import JSON
import Testing

@Suite struct JSONParserTests {
    @Test func `reads every kind of value in order`() throws {
        let value = try JSONValue.parse(
            #" { "b" : [ 1 , -2.5 , 1e3 , true , false , null ] , "a" : { } , "c" : "x" } "#
        )
        let expected: JSONObject = ["b": [1, -2.5, 1000.0, true, false, nil], "a": [:], "c": "x"]
        #expect(value == .object(expected))
        #expect(value.objectValue?.keys == ["b", "a", "c"])
        #expect(value["b"]?[1]?.doubleValue == -2.5)
        #expect(value["b"]?[9] == nil)
    }

    @Test func `tells integers from doubles and keeps both exact`() throws {
        let cases: [(String, JSONValue)] = [
            ("0", 0), ("-0", 0), ("1", 1), ("1.0", 1.0), ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)),
            ("123456789012345678901234567890", .double(1.2345678901234568e29)),
            ("0.1", 0.1), ("1E2", 100.0), ("1e-7", 1e-7),
            ("1.7976931348623157e308", .double(1.7976931348623157e308)),
            ("5e-324", .double(.leastNonzeroMagnitude)), ("1e-400", 0.0),
            ("2.2250738585072011e-308", .double(.leastNormalMagnitude.nextDown)),
            ("9007199254740993.0", .double(9007199254740992)),
        ]
        for (text, expected) in cases { #expect(try JSONValue.parse(text) == expected, "\(text)") }
        #expect(try JSONValue.parse("1.0").intValue == 1)
        #expect(try JSONValue.parse("1.5").intValue == nil)
        #expect(try JSONValue.parse("1e300").intValue == nil)
        #expect(try JSONValue.parse("3").doubleValue == 3)
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "{\"a\"", "{\"a\":", "{\"a\":1", "\"", "\"\\", "\"\\u12",
        "tru", "-",
        "1.", "1e", "1e+",
    ])
    func `reports a text that ends too early`(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
        #expect(error?.reason == .unexpectedEnd)
        #expect(error?.byteOffset == text.utf8.count)
    }

    @Test(arguments: [
        "01", "-01", "1.e3", ".5", "+1", "NaN", "Infinity", "-Infinity", "0x10", "1_000", "[1,]",
        "{\"a\":1,}",
        "{a:1}", "{'a':1}", "[1 2]", "{\"a\" 1}", "nul", "True", "1 2", "[]]", "\"\\x41\"",
        "\"\\u12g4\"",
        "\"a\u{1}b\"", "\"a\nb\"", "/* c */ 1", "\u{FEFF}1", "{\"a\":1 \"b\":2}", "{1:2}", "--1",
        "1e5.5",
    ])
    func `refuses what RFC 8259 does not allow`(text: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(text) }
    }

    @Test func `names the value and the byte where reading failed`() {
        let text = #"{"model":"m","messages":[{"role":"user"},{"content":[{"text":tru}]}]}"#
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
        #expect(error?.path.description == "messages[1].content[0].text")
        #expect(error?.byteOffset == text.utf8.count - 5)
        #expect(
            error?.description
                == "expected 'true' but found '}' at byte 64 in messages[1].content[0].text"
        )
        let odd = #expect(throws: JSONError.self) { try JSONValue.parse(#"{"a b":{"":[}}}"#) }
        #expect(odd?.path.description == #"["a b"][""][0]"#)
    }

    @Test func `reads escapes and pairs surrogates`() throws {
        let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\uD83D\uDE00\u0000z""#
        let expected = "\"\\/\u{8}\u{C}\n\r\tAé€😀\0z"
        #expect(try JSONValue.parse(text).stringValue == expected)
    }

    @Test(arguments: [
        (#""\ud800""#, "\u{FFFD}"), (#""\udc00x""#, "\u{FFFD}x"),
        (#""\ud800\ud800""#, "\u{FFFD}\u{FFFD}"),
        (#""\ud800\n""#, "\u{FFFD}\n"), (#""\ud83d\u0041""#, "\u{FFFD}A"),
        (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"),
    ])
    func `replaces a surrogate without its partner`(text: String, expected: String) throws {
        #expect(try JSONValue.parse(text).stringValue == expected)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82],
            [0x80],
        ] as [[UInt8]]
    )
    func `refuses strings that are not UTF-8`(bytes: [UInt8]) {
        let document = [0x5B, 0x22, 0x61] + bytes + [0x22, 0x5D]
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(document) }
        #expect(error?.reason == .invalidUTF8)
        #expect(error?.byteOffset == 3)
        #expect(error?.path.description == "[0]")
    }

    @Test func `refuses UTF-16`() {
        #expect(throws: JSONError.self) { try JSONValue.parse([0x31, 0x00] as [UInt8]) }
        #expect(throws: JSONError.self) {
            try JSONValue.parse([0xFF, 0xFE, 0x31, 0x00] as [UInt8])
        }
    }

    @Test func `lets the last of duplicate keys win at the first position`() throws {
        let value = try JSONValue.parse(#"{"a":1,"b":2,"a":3}"#)
        #expect(value.serialized() == #"{"a":3,"b":2}"#)
    }
}

@Suite struct JSONLimitsTests {
    @Test func `stops at the depth limit however deep the text is`() {
        for open in ["[", "{\"a\":"] {
            let text = String(repeating: open, count: 1_000_000)
            let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
            #expect(error?.reason == .tooDeep(maximumDepth: 128))
            #expect(error?.path.elements.count == 128)
        }
        let nested = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(throws: Never.self) { try JSONValue.parse(nested) }
        #expect(throws: JSONError.self) { try JSONValue.parse("[" + nested + "]") }
    }

    @Test func `stops at the value and byte limits`() {
        let limits = JSONLimits(maximumByteCount: 100, maximumNodeCount: 4)
        #expect(throws: Never.self) { try JSONValue.parse("[1,2,3]", limits: limits) }
        let nodes = #expect(throws: JSONError.self) {
            try JSONValue.parse("[1,2,3,4]", limits: limits)
        }
        #expect(nodes?.reason == .tooManyNodes(maximumNodeCount: 4))
        let text = "\"" + String(repeating: "x", count: 99) + "\""
        let bytes = #expect(throws: JSONError.self) { try JSONValue.parse(text, limits: limits) }
        #expect(bytes?.reason == .tooLong(byteCount: 101, maximumByteCount: 100))
    }

    @Test func `refuses numbers that no double holds and endless literals`() {
        let large = #expect(throws: JSONError.self) { try JSONValue.parse("1e999") }
        #expect(large?.reason == .numberOutOfRange)
        let long = String(repeating: "7", count: 5000)
        #expect(
            #expect(throws: JSONError.self) { try JSONValue.parse(long) }?.reason == .numberTooLong
        )
        let exponent = "1e" + String(repeating: "9", count: 900)
        #expect(
            #expect(throws: JSONError.self) { try JSONValue.parse(exponent) }?.reason
                == .numberOutOfRange
        )
    }

    @Test func `takes a hundred thousand duplicate and distinct keys`() throws {
        let same = "{" + Array(repeating: "\"k\":1", count: 100_000).joined(separator: ",") + "}"
        #expect(try JSONValue.parse(same).objectValue?.count == 1)
        let distinct = "{" + (0..<100_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
        let object = try #require(try JSONValue.parse(distinct).objectValue)
        #expect(object.count == 100_000)
        #expect(object["k99999"] == 99999)
    }

    @Test func `tells names apart that only look the same`() throws {
        let text = "{\"\u{E9}\": 1, \"e\u{301}\": 2}"
        let object = try #require(try JSONValue.parse(text).objectValue)
        #expect(object.count == 2)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
    }
}

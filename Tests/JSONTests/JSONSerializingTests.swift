import JSON
import Testing

@Suite struct JSONSerializingTests {
    @Test func `writes compact and pretty text`() {
        let value: JSONValue = ["a": [1, 2.5, true, nil], "b": [:], "c": [], "d": "x"]
        #expect(value.serialized() == #"{"a":[1,2.5,true,null],"b":{},"c":[],"d":"x"}"#)
        let pretty = """
            {
              "a": [
                1,
                2.5,
                true,
                null
              ],
              "b": {},
              "c": [],
              "d": "x"
            }
            """
        #expect(value.serialized(pretty: true) == pretty)
    }

    @Test func `escapes only quotes, backslashes and control characters`() {
        let value: JSONValue = "\"\\/\u{0}\u{1F}\u{7F}\n\r\t\u{8}\u{C}é😀\u{2028}"
        let expected = #""\"\\/\u0000\u001f"# + "\u{7F}" + #"\n\r\t\b\f"# + "é😀\u{2028}\""
        #expect(value.serialized() == expected)
    }

    @Test func `keeps the point of a whole double and writes null for what JSON cannot say`() {
        let value: JSONValue = [
            1.0, .double(.nan), .double(.infinity), .double(1e21), .double(-0.0),
        ]
        #expect(value.serialized() == "[1.0,null,null,1e+21,-0.0]")
    }
}

@Suite struct JSONObjectTests {
    @Test func `keeps order while members are set, replaced and removed`() {
        var object: JSONObject = [:]
        for index in 0..<20 { object["k\(index)"] = .integer(index) }
        object["k3"] = "new"
        object["k5"] = nil
        object["k19"] = nil
        #expect(object.count == 18)
        #expect(object.keys.prefix(6) == ["k0", "k1", "k2", "k3", "k4", "k6"])
        #expect(object["k3"] == "new")
        #expect(object["k5"] == nil)
        #expect(object["k18"] == 18)
    }

    @Test func `compares members without regard to order`() {
        let one: JSONValue = ["a": 1, "b": [2]]
        let other: JSONValue = ["b": [2], "a": 1]
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one != ["a": 1])
        #expect(one != ["a": 1, "b": [3]])
    }
}

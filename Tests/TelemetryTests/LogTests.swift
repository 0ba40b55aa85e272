import Telemetry
import Testing

@Suite struct LogTests {
    @Test func `writes the message and the fields in order`() {
        let entry = LogEntry(
            level: .info,
            message: "model is resident",
            fields: [.init(key: "model", value: "tiny"), .init(key: "bytes", value: "12")]
        )
        #expect(entry.line == "model is resident model=tiny bytes=12")
    }

    @Test(arguments: [
        ("", "\"\""),
        ("two words", "\"two words\""),
        ("a=b", "\"a=b\""),
        ("say \"hi\"", "\"say \\\"hi\\\"\""),
        ("line\nforged", "line\\nforged"),
        ("bell\u{7}", "bell\\u{7}"),
        ("right\u{202E}left", "right\\u{202e}left"),
        ("Grüße", "Grüße"),
    ])
    func `escapes what would split or forge a line`(value: String, shown: String) {
        let entry = LogEntry(level: .info, message: "m", fields: [.init(key: "k", value: value)])
        #expect(entry.line == "m k=" + shown)
    }

    @Test func `cuts a long value at a whole character`() {
        let value = String(repeating: "é", count: 1000)
        let entry = LogEntry(level: .info, message: "m", fields: [.init(key: "k", value: value)])
        #expect(entry.line == "m k=" + String(repeating: "é", count: 512) + "…")
    }

    @Test func `changes its level for all its copies`() {
        let (sink, entries) = LogSink.collecting()
        let log = Log(level: .info, sink: sink)
        let copy = log.with(("model", "tiny"))
        log.level = .error
        copy.warning("dropped")
        copy.level = .debug
        log.debug("kept")
        #expect(entries().map(\.message) == ["kept"] && log.level == .debug)
    }

    @Test func `drops entries below its level`() {
        let (sink, entries) = LogSink.collecting()
        let log = Log(level: .warning, sink: sink)
        log.info("dropped")
        log.warning("kept", ("count", 3))
        log.error("kept too")
        #expect(entries().map(\.message) == ["kept", "kept too"])
        #expect(entries().first?.fields == [.init(key: "count", value: "3")])
    }

    @Test func `puts common fields first`() {
        let (sink, entries) = LogSink.collecting()
        Log(sink: sink).with(("model", "tiny")).info("m", ("n", 1))
        #expect(entries().first?.line == "m model=tiny n=1")
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_392_000_123, "2026-11-23T00:00:00.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] as [(Int64, String)]
    )
    func `prints a moment as RFC 3339`(milliseconds: Int64, text: String) {
        let moment = Timestamp(milliseconds: milliseconds)
        #expect(moment.description == text)
        #expect((0..<1000).contains(milliseconds - Int64(moment.seconds) * 1000))
    }
}

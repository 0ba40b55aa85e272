@testable import HTTP
import Testing

@Suite struct ServerSentEventTests {
    private func parse(_ pieces: [[UInt8]]) throws -> [SSEParser.Event] {
        var parser = SSEParser()
        var events: [SSEParser.Event] = []
        for piece in pieces { events += try parser.append(piece) }
        return events
    }

    @Test func `writes one line as OpenAI's clients expect it`() {
        let bytes = ServerSentEvent.serialize(data: #"{"a":1}"#)
        #expect(String(decoding: bytes, as: UTF8.self) == "data: {\"a\":1}\n\n")
        #expect(ServerSentEvent.serialize(data: Array(#"{"a":1}"#.utf8)) == bytes)
        let ping = ServerSentEvent.comment("ping")
        #expect(String(decoding: ping, as: UTF8.self) == ": ping\n\n")
    }

    @Test(arguments: ["", "a", "a\nb", "a\r\nb", "a\rb", "\n", " a", "a\n\nb", "\u{e9}"])
    func `reads back what it wrote, however it is cut`(data: String) throws {
        let lines = data.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        let bytes =
            ServerSentEvent.serialize(data: data, event: "e") + ServerSentEvent.comment("c")
            + ServerSentEvent.serialize(data: "next")
        let expected = [
            SSEParser.Event(name: "e", data: lines), SSEParser.Event(name: "", data: "next"),
        ]
        #expect(try parse([bytes]) == expected)
        for offset in 0...bytes.count {
            #expect(try parse([Array(bytes[..<offset]), Array(bytes[offset...])]) == expected)
        }
    }

    @Test func `skips comments, unknown fields, events without data and what is unfinished`() throws
    {
        let text =
            "\u{feff}: c\nid: 1\nretry: 2\nevent: x\n\ndata\ndata:a\r\ndata: b\r\r\ndata: c\n"
        let events = try parse([Array(text.utf8)])
        #expect(events == [SSEParser.Event(name: "", data: "\na\nb")])
    }

    @Test func `bounds an event`() {
        var parser = SSEParser(maximumEventByteCount: 10)
        #expect(throws: SSEParser.TooLong(maximumByteCount: 10)) {
            _ = try parser.append([UInt8](repeating: 0x61, count: 11))
        }
    }
}

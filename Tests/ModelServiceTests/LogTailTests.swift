import Testing

@testable import ModelService

@Suite struct LogTailTests {
    @Test func `passes on whole lines, however they come`() {
        let text = Array("one\ntwo three\n\nfour\n".utf8)
        for size in 1...text.count {
            var tail = LogTail()
            var passed: [UInt8] = []
            for start in stride(from: 0, to: text.count, by: size) {
                let lines = tail.append(text[start..<min(start + size, text.count)])
                #expect(lines.isEmpty || lines.last == UInt8(ascii: "\n"))
                passed += lines
            }
            #expect(passed == text && tail.finish().isEmpty)
            #expect(tail.lines == ["one", "two three", "", "four"])
        }
    }

    @Test func `ends the last line if the process did not`() {
        var tail = LogTail()
        #expect(tail.append(Array("half".utf8)[...]).isEmpty)
        #expect(tail.finish() == Array("half\n".utf8))
        #expect(tail.finish().isEmpty)
        #expect(tail.lines == ["half"])
    }

    @Test func `keeps the last lines only, and cuts what does not end`() {
        var tail = LogTail()
        for number in 0..<100 { _ = tail.append(Array("\(number)\n".utf8)[...]) }
        #expect(tail.lines == (80..<100).map { "\($0)" })
        let flood = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
        let passed = tail.append(flood[...])
        #expect(passed.count == 8192 + 4)
        #expect(tail.lines.suffix(4).allSatisfy { $0.utf8.count == LogTail.maximumLineByteCount })
    }

    @Test func `repairs what is no text`() {
        var tail = LogTail()
        _ = tail.append([0xFF, 0x41, 0x0A])
        #expect(tail.lines == ["\u{FFFD}A"])
    }
}

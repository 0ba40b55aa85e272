import ModelService
import Testing

@Suite struct KeepAliveTests {
    @Test func `reads seconds and durations as Ollama's clients write them`() {
        let texts: [(String, KeepAlive)] = [
            ("0", .duration(.zero)), ("90", .duration(.seconds(90))), ("-1", .forever),
            ("5m", .duration(.seconds(300))), ("1h30m", .duration(.seconds(5400))),
            ("300ms", .duration(.milliseconds(300))), ("1.5h", .duration(.seconds(5400))),
            ("-1m", .forever), ("24h", .duration(.seconds(86_400))),
        ]
        for (text, expected) in texts { #expect(KeepAlive(text) == expected, "\(text)") }
    }

    @Test(arguments: ["", "-", "m", "5 m", "5x", "1h30", "inf", "nan", "1e99", "٣m"])
    func `refuses what is no duration`(_ text: String) {
        #expect(KeepAlive(text) == nil)
    }
}

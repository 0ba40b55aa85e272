import Testing

@testable import Commands

@Suite struct TerminalTests {
    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (98_303_456, "93.7 MiB"),
        (5 << 30, "5.00 GiB"), (123 << 40, "123 TiB"),
    ])
    func `prints bytes with three figures`(count: Int, text: String) {
        #expect(Quantity.bytes(count) == text)
    }

    @Test(arguments: [(134_515_008, "135 M"), (999, "999"), (1_540_000_000, "1.54 B")])
    func `prints counts with three figures`(count: Int, text: String) {
        #expect(Quantity.count(count) == text)
    }

    @Test(arguments: [
        (1.005, 1, "1.0"), (-0.04, 1, "0.0"), (-1.25, 1, "-1.3"), (12.0, 0, "12"),
        (0.5, 3, "0.500"),
        (Double.nan, 1, "-"), (Double.infinity, 1, "-"),
    ])
    func `prints decimals`(value: Double, decimals: Int, text: String) {
        #expect(Quantity.decimal(value, decimals) == text)
    }

    @Test(arguments: [
        (-1, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h 0 min"), (180_000, "2 d 2 h"),
    ])
    func `prints durations`(seconds: Int, text: String) {
        #expect(Quantity.duration(seconds: seconds) == text)
    }

    @Test func `aligns columns`() {
        var table = TextTable([("NAME", .left), ("SIZE", .right)])
        table.append(["a", "1"])
        table.append(["longer", "12345"])
        #expect(table.text == "NAME     SIZE\na           1\nlonger  12345\n")
    }
}

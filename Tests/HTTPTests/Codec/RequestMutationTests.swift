import Testing

@testable import HTTP

/// Thousands of damaged requests, the same in every run: none traps, and no cut changes what the
/// parser makes of them.
///
/// `Tests/FuzzTargets` holds the same property for the fuzzer.
@Suite struct RequestMutationTests {
    private static let seeds = [
        "GET /v1/models?x=%20 HTTP/1.1\r\nHost: localhost:11435\r\nAccept: */*\r\n\r\n",
        "POST http://a/%C3%A9 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
            + "GET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue"
            + "\r\n\r\n5;a=b\r\nhello\r\n0A\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n",
    ]

    /// Bytes that mean something to the grammar.
    private static let tokens = [
        "\r\n", "\n", "\r", " ", "\t", ":", "%", "0", "ffffffffffffffff", "\0", "..", "Host: b\r\n",
        "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "\u{e9}", ";", "/", "?", "[",
    ].map { Array($0.utf8) }

    private struct Generator {
        var state: UInt64

        /// SplitMix64, below `bound`.
        mutating func next(below bound: Int) -> Int {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return Int((value ^ (value >> 31)) % UInt64(bound))
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ generator: inout Generator) {
        let at = generator.next(below: bytes.count + 1)
        switch generator.next(below: 5) {
        case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8(generator.next(below: 8))
        case 1 where at < bytes.count: bytes.remove(at: at)
        case 2: bytes.insert(contentsOf: tokens[generator.next(below: tokens.count)], at: at)
        case 3: bytes.removeSubrange(at..<min(bytes.count, at + generator.next(below: 8)))
        default:
            let end = min(bytes.count, at + generator.next(below: 24))
            bytes.insert(contentsOf: bytes[at..<end], at: at)
        }
    }

    @Test(arguments: 0..<8)
    func `damage never traps and cuts never matter`(seed: Int) {
        var generator = Generator(state: UInt64(seed))
        var limits = HTTPLimits()
        limits.maximumRequestLineByteCount = 80
        limits.maximumHeadersByteCount = 160
        limits.maximumBodyByteCount = 16
        for round in 0..<400 {
            var bytes = Array(Self.seeds[round % Self.seeds.count].utf8)
            for _ in 0...generator.next(below: 4) { Self.mutate(&bytes, &generator) }
            let whole = ParserDriver.outcome(of: [bytes], limits: limits)
            let cut = generator.next(below: bytes.count + 1)
            let halves = [Array(bytes[..<cut]), Array(bytes[cut...])]
            #expect(ParserDriver.outcome(of: halves, limits: limits) == whole)
            #expect(ParserDriver.outcome(of: bytes.map { [$0] }, limits: limits) == whole)
            #expect(whole.bodies.allSatisfy { $0.count <= 16 })
        }
    }
}

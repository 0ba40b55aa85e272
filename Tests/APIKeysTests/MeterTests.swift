import APIKeys
import Platform
import Testing

@Suite struct MeterTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000)

    private func after(_ seconds: Double) -> MonotonicInstant {
        start.advanced(by: .seconds(seconds))
    }

    @Test func `lets a minute's requests through at once and then one after the other`() throws {
        let meter = KeyMeter()
        let terms = KeyTerms(name: "a", requestsPerMinute: 6)
        for _ in 0..<6 { try meter.begin(terms, now: start) }
        #expect(throws: KeyMeter.Refusal.requests(limit: 6, wait: .seconds(10))) {
            try meter.begin(terms, now: start)
        }
        try meter.begin(terms, now: after(10))
        #expect(throws: KeyMeter.Refusal.self) { try meter.begin(terms, now: after(19)) }
        let left = meter.allowances(terms, now: after(19)).requests
        #expect(left?.limit == 6 && left?.remaining == 0)
        let reset = left?.reset ?? .zero
        #expect(reset > .milliseconds(50_999) && reset < .milliseconds(51_001))
        for _ in 0..<6 { try meter.begin(terms, now: after(1000)) }
    }

    @Test func `waits until a minute has paid for the tokens that were used`() throws {
        let meter = KeyMeter()
        let terms = KeyTerms(name: "a", tokensPerMinute: 600)
        try meter.begin(terms, now: start)
        meter.end(terms, tokenCount: 1200, now: start)
        let error = #expect(throws: KeyMeter.Refusal.self) { try meter.begin(terms, now: start) }
        guard case .tokens(600, let wait) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(wait > .seconds(60) && wait < .seconds(61))
        try meter.begin(terms, now: after(61))
        #expect(meter.allowances(terms, now: after(61)).tokens?.limit == 600)
    }

    @Test func `counts what runs at the same time`() throws {
        let meter = KeyMeter()
        let terms = KeyTerms(name: "a", concurrentRequests: 2)
        try meter.begin(terms, now: start)
        try meter.begin(terms, now: start)
        #expect(throws: KeyMeter.Refusal.concurrency(limit: 2)) {
            try meter.begin(terms, now: start)
        }
        try meter.begin(KeyTerms(name: "b", concurrentRequests: 1), now: start)
        meter.end(terms, tokenCount: 0, now: start)
        try meter.begin(terms, now: start)
    }

    @Test func `begins anew when a limit changes`() throws {
        let meter = KeyMeter()
        try meter.begin(KeyTerms(name: "a", requestsPerMinute: 1), now: start)
        try meter.begin(KeyTerms(name: "a", requestsPerMinute: 2), now: start)
        try meter.begin(KeyTerms(name: "a"), now: start)
        #expect(meter.allowances(KeyTerms(name: "a"), now: start).requests == nil)
    }

    @Test func `makes an address wait that sends wrong keys`() {
        var meter = FailedKeyMeter()
        let peer = SocketAddress.ipv4(address: 0xC0A8_0105, port: 1)
        for number in 1...60 {
            #expect(meter.wait(for: peer, now: start) == .zero)
            #expect(meter.failed(peer, now: start) == (number == 60))
        }
        let other = SocketAddress.ipv4(address: 0xC0A8_0105, port: 2)
        #expect(meter.wait(for: other, now: start) == .seconds(1), "the port does not count")
        #expect(meter.wait(for: other, now: after(1)) == .zero)
        #expect(meter.wait(for: .ipv4(address: 0xC0A8_0106, port: 1), now: start) == .zero)
    }

    @Test func `counts an IPv6 network as one and leaves this machine alone`() {
        var meter = FailedKeyMeter()
        for low in 0..<100 {
            _ = meter.failed(.ipv6(high: 7, low: UInt64(low) + 5, port: 1, scope: 0), now: start)
            _ = meter.failed(.loopback4(port: 1), now: start)
            _ = meter.failed(.unix(path: ""), now: start)
        }
        #expect(meter.wait(for: .ipv6(high: 7, low: 3, port: 9, scope: 0), now: start) > .zero)
        #expect(meter.wait(for: .loopback4(port: 1), now: start) == .zero)
        #expect(meter.addressCount == 1)
    }

    @Test func `remembers a bounded number of addresses, the latest`() {
        var meter = FailedKeyMeter()
        for address in 0..<10_000 {
            _ = meter.failed(
                .ipv4(address: UInt32(address) + 1, port: 1),
                now: after(Double(address))
            )
        }
        #expect(meter.addressCount <= 4096)
    }
}

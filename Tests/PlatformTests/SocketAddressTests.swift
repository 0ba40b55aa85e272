import Platform
import Testing

@Suite struct SocketAddressTests {
    @Test(arguments: [
        SocketAddress.loopback4(port: 1), .loopback6(port: 65_535),
        .ipv4(address: 0xc0a8_01fe, port: 8080),
        .ipv6(high: 0x2001_0db8_0000_0000, low: 0x1234, port: 80, scope: 0),
        .ipv6(high: 0xfe80_0000_0000_0000, low: 1, port: 80, scope: 3),
        .unix(path: "/run/torii.sock"), .unix(path: ""),
    ])
    func `survives the kernel's form`(address: SocketAddress) {
        #expect(SocketAddress(kernelBytes: address.kernelBytes) == address)
    }

    @Test func `reads literals and prints them as they stand in a URL`() {
        let addresses = ["127.0.0.1", "::1", "2001:db8::1234"].map {
            SocketAddress(literal: $0, port: 80)?.description
        }
        #expect(addresses == ["127.0.0.1:80", "[::1]:80", "[2001:db8::1234]:80"])
        for text in ["", "localhost", "1.2.3", "[::1]", "1.2.3.4.5", "01.2.3.4"] {
            #expect(SocketAddress(literal: text, port: 80) == nil)
        }
    }

    @Test func `knows loopback and wildcard`() {
        #expect(SocketAddress(literal: "127.9.9.9", port: 0)?.isLoopback == true)
        #expect(SocketAddress(literal: "::1", port: 0)?.isLoopback == true)
        #expect(SocketAddress(literal: "::ffff:127.0.0.1", port: 0)?.isLoopback == false)
        #expect(SocketAddress(literal: "10.0.0.1", port: 0)?.isLoopback == false)
        #expect(SocketAddress(literal: "0.0.0.0", port: 0)?.isWildcard == true)
        #expect(SocketAddress(literal: "::", port: 0)?.isWildcard == true)
        #expect(SocketAddress.unix(path: "/x").isLoopback)
    }
}

@Suite struct MonotonicInstantTests {
    @Test func `moves by durations and stays in range`() {
        let start = MonotonicInstant(nanoseconds: 1_000)
        #expect(start.advanced(by: .nanoseconds(5)).nanoseconds == 1_005)
        #expect(start.advanced(by: .zero - .nanoseconds(5)).nanoseconds == 995)
        #expect(start.advanced(by: .zero - .seconds(5)).nanoseconds == 0)
        #expect(MonotonicInstant(nanoseconds: .max).advanced(by: .seconds(1)).nanoseconds == .max)
        #expect(start.advanced(by: .seconds(Int64.max)).nanoseconds > 1 << 62)
        let later = start.advanced(by: .milliseconds(3))
        #expect(later.duration(since: start) == .milliseconds(3))
        #expect(start.duration(since: later) == .zero - .milliseconds(3))
        #expect(start < later)
    }

    @Test func `a time-out ends after its deadline, not before`() {
        let now = MonotonicInstant(nanoseconds: 10_000_000)
        #expect(pollTimeout(until: nil, now: now) == -1)
        #expect(pollTimeout(until: now, now: now) == 0)
        #expect(pollTimeout(until: now.advanced(by: .nanoseconds(1)), now: now) == 1)
        #expect(pollTimeout(until: now.advanced(by: .milliseconds(1)), now: now) == 1)
        #expect(pollTimeout(until: now.advanced(by: .nanoseconds(1_000_001)), now: now) == 2)
        #expect(pollTimeout(until: now.advanced(by: .seconds(1 << 40)), now: now) == .max)
    }
}

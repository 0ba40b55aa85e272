import Platform
import Testing

@testable import HTTP

@Suite struct ConnectionCensusTests {
    private let near = SocketAddress.ipv4(address: 0x0a00_0001, port: 0)
    private let far = SocketAddress.ipv4(address: 0x0a00_0002, port: 0)

    private func census(
        total: Int,
        kept: Int = 0,
        perAddress: Int = .max,
        listeners: Int = 1
    ) -> ConnectionCensus {
        var limits = HTTPLimits()
        limits.maximumConnectionCount = total
        limits.keptConnectionsPerListener = kept
        limits.maximumConnectionsPerAddress = perAddress
        return ConnectionCensus(limits: limits, listenerCount: listeners)
    }

    @Test func `serves up to the limit, refuses some, and drops the rest`() {
        var census = census(total: 3)
        let decisions = (0..<100).map { _ in census.decide(listener: 0, origin: nil) }
        #expect(decisions.prefix(3).allSatisfy { $0 == .serve })
        let refusals = ConnectionCensus.maximumRefusalCount
        #expect(decisions.dropFirst(3).prefix(refusals).allSatisfy { $0 == .refuse })
        #expect(decisions.dropFirst(3 + refusals).allSatisfy { $0 == .drop })
        #expect(census.openCount == 3 + refusals)
        census.closed(listener: 0, origin: nil, wasRefused: true)
        #expect(census.decide(listener: 0, origin: nil) == .refuse)
        census.closed(listener: 0, origin: nil, wasRefused: false)
        #expect(census.decide(listener: 0, origin: nil) == .serve)
    }

    @Test func `limits each address of another machine, and none of this one`() {
        var census = census(total: 100, perAddress: 2)
        #expect(census.decide(listener: 0, origin: near) == .serve)
        #expect(census.decide(listener: 0, origin: near) == .serve)
        #expect(census.decide(listener: 0, origin: near) == .refuse)
        #expect(census.decide(listener: 0, origin: far) == .serve)
        for _ in 0..<50 { #expect(census.decide(listener: 0, origin: nil) == .serve) }
        census.closed(listener: 0, origin: near, wasRefused: true)
        #expect(census.decide(listener: 0, origin: near) == .refuse)
        census.closed(listener: 0, origin: near, wasRefused: false)
        #expect(census.decide(listener: 0, origin: near) == .serve)
    }

    /// Every order in which two listeners can fill up.
    @Test func `keeps places for each listener in whatever order they fill`() {
        let (total, kept) = (6, 2)
        for order in 0..<(1 << total) {
            var census = census(total: total, kept: kept, listeners: 2)
            var served = [0, 0]
            // First in this order, then each as much as it can.
            let steps = (0..<total).map { order >> $0 & 1 } + [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
            for listener in steps where census.decide(listener: listener, origin: nil) == .serve {
                served[listener] += 1
            }
            #expect(served.allSatisfy { $0 >= kept } && served[0] + served[1] == total)
        }
    }

    @Test func `a limit smaller than the kept places is still kept`() {
        var census = census(total: 2, kept: 16, listeners: 2)
        #expect(census.decide(listener: 0, origin: nil) == .serve)
        #expect(census.decide(listener: 0, origin: nil) == .refuse)
        #expect(census.decide(listener: 1, origin: nil) == .serve)
        #expect(census.decide(listener: 1, origin: nil) == .refuse)
    }

    @Test func `leaves descriptors for what is no connection`() {
        #expect(HTTPLimits(descriptorCount: 1 << 20).maximumConnectionCount == 4096)
        #expect(HTTPLimits(descriptorCount: 1024).maximumConnectionCount == 704)
        #expect(HTTPLimits(descriptorCount: 40).maximumConnectionCount == 16)
    }
}

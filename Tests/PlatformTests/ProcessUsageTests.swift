import Glibc
import Testing

@testable import Platform

@Suite struct ProcessUsageTests {
    @Test func `reads the figures behind a name that holds anything`() throws {
        let text =
            "4242 (torii) 1 2) (x) S 1 4242 4242 0 -1 4194304 500 0 3 0 150 50 0 0 20 0 6 0 "
            + "98765 200000000 1000 18446744073709551615 1 1 0\n"
        let usage = try #require(
            ProcessUsage(statistics: text, pageByteCount: 4096, ticksPerSecond: 100)
        )
        #expect(usage.residentByteCount == 4_096_000)
        #expect(usage.processorTime == .seconds(2))
    }

    @Test(arguments: [
        "", "4242 (torii", "4242 (torii) S 1 2 3",
        "4242 (torii) S" + String(repeating: " x", count: 40),
    ])
    func `says nothing about what it cannot read`(_ text: String) {
        #expect(ProcessUsage(statistics: text, pageByteCount: 4096, ticksPerSecond: 100) == nil)
    }

    @Test func `knows this process and not one that is gone`() throws {
        let usage = try #require(ProcessUsage(of: getpid()))
        #expect(usage.residentByteCount > 1 << 20)
        #expect(ProcessUsage(of: .max) == nil)
        #expect(try #require(DescriptorUsage.openCount()) > 0)
        #expect(try #require(DescriptorUsage.limit()) > 0)
    }
}

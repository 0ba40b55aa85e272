import JSON
import Testing

@testable import Commands

@Suite struct BenchTests {
    private let report = BenchReport(
        model: "tiny",
        path: "/m/tiny.gguf",
        plan: BenchPlan(batchSizes: [1, 8], threadCount: 2),
        instructionSet: "avx2",
        parameterCount: 120_000_000,
        layerParameterCount: 100_000_000,
        loadSeconds: 0.5,
        weightByteCount: 50_000_000,
        kvByteCount: 1 << 20,
        workspaceByteCount: 1 << 20,
        residentByteCount: nil,
        prefill: .init(tokenCount: 500, seconds: [1, 0.5, 2]),
        decode: [
            (1, .init(tokenCount: 100, seconds: [1])),
            (8, .init(tokenCount: 800, seconds: [4, 2])),
        ],
        memoryBandwidth: 10e9,
        integerPeak: 1e12
    )

    @Test func `takes the median of the runs`() {
        #expect(report.prefill.median == 500)
        #expect(report.prefill.slowest == 250)
        #expect(report.prefill.fastest == 1000)
        #expect(report.decode[1].speed.median == 300)
    }

    @Test func `sets speeds against the machine's limits`() {
        #expect(report.bandwidthShare == 0.5)
        #expect(report.peakShare == 0.1)
    }

    @Test func `prints a table and JSON`() {
        #expect(report.text.contains("50 % of the memory's bandwidth"))
        #expect(report.text.contains("10.00 GB/s"))
        #expect(report.json["decode"]?[1]?["sequences"]?.intValue == 8)
        #expect(report.json["memory"]?["resident"]?.isNull == true)
    }

    @Test func `reads the resident memory from the kernel's text`() {
        #expect(
            ProcessMemory.residentByteCount(status: "Name:\tx\nVmRSS:\t  1234 kB\n") == 1234 * 1024
        )
        #expect(ProcessMemory.residentByteCount(status: "") == nil)
        #expect((ProcessMemory.residentByteCount() ?? 0) > 0)
    }

    @Test func `looks models up by name and by path`() {
        let environment = CommandEnvironment(variables: ["HOME": "/x"], terminal: .standard)
        let missing = CommandLineInterface.run(["bench", "./nowhere.gguf"], in: environment)
        #expect(missing == 1)
        let unknown = CommandLineInterface.run(
            ["bench", "nowhere", "--models", "/tmp"],
            in: environment
        )
        #expect(unknown == 1)
    }
}

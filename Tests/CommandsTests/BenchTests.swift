import JSON
import Tensors
import Testing

@testable import Commands

@Suite struct BenchTests {
    private let report = BenchReport(
        model: "tiny",
        path: "/m/tiny.gguf",
        plan: BenchPlan(batchSizes: [1, 8], threadCount: 2),
        instructionSet: "avx2",
        parameterCount: 120_000_000,
        work: ModelWork(
            layers: [.q4_1: 60_000_000, .q6_K: 40_000_000],
            headCount: 20_000_000,
            headType: .q8_0,
            byteCount: 50_000_000
        ),
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
        limits: MachineLimits(
            memoryBandwidth: 10e9,
            integerPeak: 1e12,
            productPeaks: [.q4_1: 0.6e12, .q6_K: 0.4e12, .q8_0: 0.8e12]
        )
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

    @Test func `a prompt's limit leaves the head to its last token`() throws {
        let limit = try #require(report.prefillLimit)
        let layers = 512 * (2 * 60e6 / 0.6e12 + 2 * 40e6 / 0.4e12)
        let head = 2 * 20e6 / 0.8e12
        #expect(limit.bound == .products)
        #expect(abs(limit.tokensPerSecond - 512 / (layers + head)) < 1e-6)
    }

    @Test func `decoding is bound by memory until there are products enough`() throws {
        let one = try #require(report.decodeLimit(batchSize: 1))
        #expect(one.bound == .memory)
        #expect(one.tokensPerSecond == 10e9 / 50e6)
        let many = try #require(report.decodeLimit(batchSize: 32))
        #expect(many.bound == .products)
        #expect(abs(many.tokensPerSecond - 1 / (0.0004 + 0.00005)) < 1e-6)
    }

    @Test func `what was not measured bounds nothing`() throws {
        let work = report.work
        func limits(_ bandwidth: Double?, _ peaks: [TensorType: Double]) -> MachineLimits {
            MachineLimits(memoryBandwidth: bandwidth, integerPeak: nil, productPeaks: peaks)
        }
        let unknown = limits(nil, [:]).leastSeconds(work, rows: 1, headRows: 1)
        #expect(unknown == nil)
        let memory = try #require(limits(10e9, [:]).leastSeconds(work, rows: 64, headRows: 64))
        #expect(memory == (0.005, .memory))
        let whole = limits(nil, report.limits.productPeaks)
        let products = try #require(whole.leastSeconds(work, rows: 1, headRows: 0))
        #expect(products.1 == .products)
        // Without the head's rows its type need not be known.
        let layers = limits(nil, [.q4_1: 1e12, .q6_K: 1e12])
        #expect(layers.leastSeconds(work, rows: 1, headRows: 0) != nil)
        #expect(layers.leastSeconds(work, rows: 1, headRows: 1) == nil)
    }

    @Test func `of two looks at the machine the better counts`() {
        let first = MachineLimits(
            memoryBandwidth: 1,
            integerPeak: nil,
            productPeaks: [.q4_0: 3, .q8_0: 1]
        )
        let second = MachineLimits(
            memoryBandwidth: 2,
            integerPeak: 5,
            productPeaks: [.q4_0: 2, .q6_K: 4]
        )
        let best = MachineLimits(
            memoryBandwidth: 2,
            integerPeak: 5,
            productPeaks: [.q4_0: 3, .q8_0: 1, .q6_K: 4]
        )
        #expect(first.orBetter(second) == best)
        #expect(second.orBetter(first) == best)
    }

    @Test func `prints a table and JSON`() {
        #expect(report.text.contains("50 % of the memory's bandwidth"))
        #expect(report.text.contains("% of its products' limit"))
        #expect(report.text.contains("at most 0.60 with Q4_1, 0.80 with Q8_0, 0.40 with Q6_K"))
        #expect(report.json["prefill"]?["limit"]?["bound"]?.stringValue == "products")
        #expect(report.json["decode"]?[0]?["limit"]?["tokens_per_second"]?.doubleValue == 200)
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

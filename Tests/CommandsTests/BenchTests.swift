import JSON
import Kernels
import Tensors
import Testing

@testable import Commands

@Suite struct BenchTests {
    private static let work = ModelWork(
        layers: [.q4_1: 60_000_000, .q6_K: 40_000_000],
        headCount: 20_000_000,
        headType: .q8_0,
        byteCount: 50_000_000,
        attention: .init(operationCount: 10_000, byteCount: 1000, window: 300)
    )
    private static let limits = MachineLimits(
        memoryBandwidth: 10e9,
        integerPeak: 1e12,
        productPeaks: [.q4_1: 0.6e12, .q6_K: 0.4e12, .q8_0: 0.8e12]
    )

    /// Of two threads: half the time products, a quarter attention, an eighth all else.
    private static func times(of seconds: Double) -> StepTimes {
        StepTimes(
            products: .seconds(seconds),
            attention: .seconds(seconds / 2),
            rest: .seconds(seconds / 4)
        )
    }

    private static func measurement(
        _ tokenCount: Int,
        _ work: ModelWork.Total,
        seconds: Double...
    ) -> BenchReport.Measurement {
        .init(
            tokenCount: tokenCount,
            work: work,
            runs: seconds.map { .init(seconds: $0, limits: limits, times: times(of: $0)) }
        )
    }

    private let report = BenchReport(
        model: "tiny",
        path: "/m/tiny.gguf",
        plan: BenchPlan(promptTokenCount: 500, batchSizes: [1, 8], threadCount: 2),
        instructionSet: "avx2",
        parameterCount: 120_000_000,
        work: work,
        loadSeconds: 0.5,
        weightByteCount: 50_000_000,
        kvByteCount: 1 << 20,
        workspaceByteCount: 1 << 20,
        residentByteCount: nil,
        prefill: measurement(
            500,
            work.prefill(tokenCount: 500),
            seconds: 1,
            0.5,
            2
        ),
        decode: [
            (
                1,
                measurement(
                    100,
                    work.decode(batchSize: 1, tokenCount: 100, promptTokenCount: 500),
                    seconds: 1
                )
            ),
            (
                8,
                measurement(
                    800,
                    work.decode(batchSize: 8, tokenCount: 100, promptTokenCount: 500),
                    seconds: 4,
                    2
                )
            ),
        ],
        limits: limits
    )

    @Test func `takes the median of the runs`() {
        #expect(report.prefill.median == 500)
        #expect(report.prefill.slowest == 250)
        #expect(report.prefill.fastest == 1000)
        #expect(report.decode[1].measurement.median == 300)
    }

    @Test func `sets the prompt against the machine's dot products`() {
        #expect(report.peakShare == 0.1)
    }

    @Test func `a prompt's limit leaves the head to its last token`() throws {
        let limit = try #require(report.prefill.limit)
        let layers = 500 * (2 * 60e6 / 0.6e12 + 2 * 40e6 / 0.4e12)
        let head = 2 * 20e6 / 0.8e12
        // 1 + 2 + … + 300 positions, then 300 each; 16-bit numbers count twice.
        let attention = 4 * 10_000 * Double(300 * 301 / 2 + 200 * 300) / 1e12
        #expect(limit.bound == .products)
        let seconds = layers + head + attention
        #expect(abs(limit.tokensPerSecond - 500 / seconds) < 1e-6)
        #expect(abs(limit.share - seconds) < 1e-9, "of a second, the median run's")
    }

    @Test func `decoding is bound by memory until there are products enough`() throws {
        let one = try #require(report.decode[0].measurement.limit)
        #expect(one.bound == .memory)
        #expect(abs(one.tokensPerSecond - 10e9 / (50e6 + 300 * 1000)) < 1e-6)
        let many = Self.measurement(
            32,
            Self.work.decode(batchSize: 32, tokenCount: 1, promptTokenCount: 9),
            seconds: 1
        )
        let limit = try #require(many.limit)
        #expect(limit.bound == .products)
        let attention = 4 * 10_000 * 10 / 1e12
        #expect(abs(limit.tokensPerSecond - 1 / (0.0004 + 0.00005 + attention)) < 1e-6)
    }

    @Test func `what was not measured bounds nothing`() throws {
        func limits(_ bandwidth: Double?, _ peaks: [TensorType: Double]) -> MachineLimits {
            MachineLimits(memoryBandwidth: bandwidth, integerPeak: nil, productPeaks: peaks)
        }
        func work(attention: Double = 0) -> ModelWork.Total {
            .init(products: [.q4_1: 1e9], attentionOperationCount: attention, byteCount: 50e6)
        }
        #expect(limits(nil, [:]).leastSeconds(work()) == nil)
        #expect(limits(nil, [.q6_K: 1e12]).leastSeconds(work()) == nil)
        let memory = try #require(limits(10e9, [:]).leastSeconds(work()))
        #expect(memory == (0.005, .memory))
        let products = try #require(limits(nil, [.q4_1: 1e12]).leastSeconds(work()))
        #expect(products == (0.002, .products))
        #expect(limits(nil, [.q4_1: 1e12]).leastSeconds(work(attention: 1)) == nil)
    }

    @Test func `two looks at the machine give the better and the average`() {
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
        let average = MachineLimits(
            memoryBandwidth: 1.5,
            integerPeak: 5,
            productPeaks: [.q4_0: 2.5, .q8_0: 1, .q6_K: 4]
        )
        #expect(first.averaged(with: second) == average)
    }

    @Test func `each run is set against its own seconds' limit`() throws {
        func limits(_ bandwidth: Double) -> MachineLimits {
            MachineLimits(memoryBandwidth: bandwidth, integerPeak: nil, productPeaks: [:])
        }
        let measurement = BenchReport.Measurement(
            tokenCount: 10,
            work: .init(products: [:], attentionOperationCount: 0, byteCount: 1e9),
            // The machine slows down by half, and the run with it.
            runs: [
                .init(seconds: 2, limits: limits(1e9), times: .zero),
                .init(seconds: 4, limits: limits(0.5e9), times: .zero),
            ]
        )
        let limit = try #require(measurement.limit)
        #expect(limit.share == 0.5)
        #expect(limit.tokensPerSecond == 10 / 1.5)
    }

    @Test func `what threads are not seen to do is waiting`() {
        let shares = report.prefill.shares(threadCount: 2)
        #expect(shares == TimeShares(Self.times(of: 1), seconds: 1, threadCount: 2))
        #expect(shares.products == 0.5 && shares.attention == 0.25 && shares.rest == 0.125)
        #expect(shares.waiting == 0.125)
        let idle = report.prefill.shares(threadCount: 4)
        #expect(idle.products == 0.25 && idle.waiting == 0.5625)
    }

    @Test func `prints a table and JSON`() {
        #expect(report.text.contains("50 %       25 %  13 %     13 %"))
        #expect(report.json["prefill"]?["time"]?["products"]?.doubleValue == 0.5)
        #expect(report.json["decode"]?[1]?["time"]?["waiting"]?.doubleValue == 0.125)
        #expect(report.text.contains("50 % of the memory's bandwidth"))
        #expect(report.text.contains("% of its products' limit"))
        #expect(report.text.contains("at most 0.60 with Q4_1, 0.80 with Q8_0, 0.40 with Q6_K"))
        #expect(report.json["prefill"]?["limit"]?["bound"]?.stringValue == "products")
        #expect(report.json["decode"]?[0]?["limit"]?["bound"]?.stringValue == "memory")
        #expect(
            report.json["decode"]?[0]?["limit"]?["share"]?.doubleValue
                == report.decode[0].measurement.limit?.share
        )
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

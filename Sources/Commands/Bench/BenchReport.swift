import JSON
import Kernels
import Tensors

/// The results of `torii bench`, as text and as JSON.
struct BenchReport: Sendable {
    /// One measurement: so many tokens, computed several times.
    struct Measurement: Sendable, Equatable {
        /// Tokens of one run, of all sequences together.
        let tokenCount: Int
        /// What one run has to do at least.
        let work: ModelWork.Total
        /// At least one.
        let runs: [Run]

        /// Tokens per second: the median and the extremes of the runs.
        var median: Double { median { Double(tokenCount) / $0.seconds } ?? 0 }
        var slowest: Double { Double(tokenCount) / (runs.map(\.seconds).max() ?? .infinity) }
        var fastest: Double { Double(tokenCount) / (runs.map(\.seconds).min() ?? .infinity) }

        /// How fast the machine could have been at most meanwhile; nil where nothing was measured.
        var limit: Limit? {
            func least(_ run: Run) -> Double? { run.limits.leastSeconds(work)?.0 }
            guard let (_, bound) = runs.first?.limits.leastSeconds(work),
                let seconds = median(least),
                let share = median({ run in least(run).map { $0 / run.seconds } })
            else { return nil }
            return Limit(tokensPerSecond: Double(tokenCount) / seconds, bound: bound, share: share)
        }

        /// The median of what `value` makes of each run; nil where it makes nothing of any.
        func median(_ value: (Run) -> Double?) -> Double? {
            let values = runs.compactMap(value).sorted()
            guard !values.isEmpty else { return nil }
            let middle = values.count / 2
            return values.count % 2 == 1
                ? values[middle] : (values[middle - 1] + values[middle]) / 2
        }

        /// What `threadCount` threads did in all runs together.
        func shares(threadCount: Int) -> TimeShares {
            TimeShares(
                runs.reduce(.zero) { $0 + $1.times },
                seconds: runs.reduce(0) { $0 + $1.seconds },
                threadCount: threadCount
            )
        }

        var json: JSONValue {
            ["median": .double(median), "slowest": .double(slowest), "fastest": .double(fastest)]
        }
    }

    /// One run of a measurement.
    struct Run: Sendable, Equatable {
        let seconds: Double
        /// What the machine could do at most just before and after it, averaged.
        let limits: MachineLimits
        /// What the threads spent it on, all together.
        let times: StepTimes
    }

    /// How fast the machine could be at most.
    struct Limit: Sendable, Equatable {
        let tokensPerSecond: Double
        /// What takes the time at the limit.
        let bound: MachineLimits.Bound
        /// The share of it that the runs reached.
        let share: Double

        var json: JSONValue {
            [
                "tokens_per_second": .double(tokensPerSecond), "bound": .string(bound.rawValue),
                "share": .double(share),
            ]
        }
    }

    let model: String
    let path: String
    let plan: BenchPlan
    let instructionSet: String
    let parameterCount: Int
    let work: ModelWork
    let loadSeconds: Double
    /// Packed weights.
    let weightByteCount: Int
    let kvByteCount: Int
    let workspaceByteCount: Int
    /// The process's resident memory at the end, in bytes; nil when the system does not say.
    let residentByteCount: Int?
    let prefill: Measurement
    /// Decode over all sequences together, by batch size.
    let decode: [(batchSize: Int, measurement: Measurement)]
    /// The best that was seen of the same threads.
    let limits: MachineLimits

    /// Two operations per weight of the layers and token, against the dot products that the cores
    /// could do meanwhile.
    ///
    /// Attention and all else come on top.
    var peakShare: Double? {
        prefill.median { run in
            run.limits.integerPeak.map {
                Double(prefill.tokenCount) * Double(work.layerCount) * 2 / run.seconds / $0
            }
        }
    }

    var json: JSONValue {
        [
            "model": .string(model), "path": .string(path),
            "threads": .integer(plan.threadCount), "instruction_set": .string(instructionSet),
            "parameters": .integer(parameterCount), "load_seconds": .double(loadSeconds),
            "memory": [
                "weights": .integer(weightByteCount), "kv": .integer(kvByteCount),
                "workspace": .integer(workspaceByteCount),
                "resident": residentByteCount.map { .integer($0) } ?? .null,
            ],
            "prefill": [
                "tokens": .integer(plan.promptTokenCount), "tokens_per_second": prefill.json,
                "limit": prefill.limit?.json ?? .null, "time": shares(of: prefill).json,
            ],
            "decode": .array(
                decode.map { batchSize, measurement in
                    [
                        "sequences": .integer(batchSize), "tokens": .integer(plan.outputTokenCount),
                        "tokens_per_second": measurement.json,
                        "limit": measurement.limit?.json ?? .null,
                        "time": shares(of: measurement).json,
                    ]
                }
            ),
            "machine": [
                "memory_bytes_per_second": limits.memoryBandwidth.map { .double($0) } ?? .null,
                "int8_operations_per_second": limits.integerPeak.map { .double($0) } ?? .null,
                "product_operations_per_second": .object(
                    JSONObject(
                        limits.productPeaks.sorted { $0.key.rawValue < $1.key.rawValue }
                            .map { ($0.key.name, .double($0.value)) }
                    )
                ),
                "prefill_share_of_peak": peakShare.map { .double($0) } ?? .null,
            ],
        ]
    }

    var text: String {
        var table = TextTable([
            ("TEST", .left), ("TOKENS/S", .right), ("SLOWEST", .right), ("FASTEST", .right),
            ("PRODUCTS", .right), ("ATTENTION", .right), ("REST", .right), ("WAITING", .right),
            ("OF THE MACHINE MEANWHILE", .left),
        ])
        func row(_ name: String, _ measurement: Measurement) {
            let speeds = [measurement.median, measurement.slowest, measurement.fastest]
            table.append(
                [name] + speeds.map { Quantity.decimal($0, 1) } + shares(of: measurement).cells
                    + [share(of: measurement.limit)]
            )
        }
        row("prefill of \(plan.promptTokenCount)", prefill)
        for (batchSize, measurement) in decode {
            row("decode, \(batchSize) side by side", measurement)
        }
        return CommandSpecification.columns([
            ("model", "\(model) (\(Quantity.count(parameterCount)) parameters)"),
            (
                "computed with",
                "\(plan.threadCount) threads, \(instructionSet), medians of \(plan.repeatCount) runs"
            ),
            ("loaded in", Quantity.decimal(loadSeconds, 2) + " s"),
            (
                "memory",
                "weights \(Quantity.bytes(weightByteCount)), KV \(Quantity.bytes(kvByteCount)), "
                    + "resident \(residentByteCount.map { Quantity.bytes($0) } ?? "-")"
            ),
            (
                "machine",
                "at best reads \(scaled(limits.memoryBandwidth, 1e9)) GB/s, computes "
                    + "\(scaled(limits.integerPeak, 1e12)) TOP/s in int8\(productPeaks)"
            ),
        ]) + "\n" + table.text
    }

    private func shares(of measurement: Measurement) -> TimeShares {
        measurement.shares(threadCount: plan.threadCount)
    }

    private func share(of limit: Limit?) -> String {
        guard let limit else { return "" }
        let what =
            switch limit.bound {
            case .memory: "the memory's bandwidth"
            case .products: "its products' limit"
            }
        return "\(Quantity.decimal(limit.share * 100, 0)) % of \(what)"
    }

    /// What products reach at most, for the types that the model has.
    private var productPeaks: String {
        let peaks = limits.productPeaks.sorted { $0.key.rawValue < $1.key.rawValue }
        guard !peaks.isEmpty else { return "" }
        return "; at most "
            + peaks.map { "\(scaled($0.value, 1e12)) with \($0.key.name)" }.joined(separator: ", ")
    }

    private func scaled(_ value: Double?, _ unit: Double) -> String {
        value.map { Quantity.decimal($0 / unit, 2) } ?? "-"
    }
}

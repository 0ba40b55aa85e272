import JSON
import Tensors

/// The results of `torii bench`, as text and as JSON.
struct BenchReport: Sendable {
    /// The speed of one measurement: the median and the extremes of its runs, in tokens per second.
    struct Speed: Sendable, Equatable {
        let median: Double
        let slowest: Double
        let fastest: Double

        /// The speed of runs that took `seconds` each for `tokenCount` tokens; at least one run.
        init(tokenCount: Int, seconds: [Double]) {
            let speeds = seconds.map { Double(tokenCount) / $0 }.sorted()
            precondition(!speeds.isEmpty, "a measurement has runs")
            let middle = speeds.count / 2
            median =
                speeds.count % 2 == 1 ? speeds[middle] : (speeds[middle - 1] + speeds[middle]) / 2
            slowest = speeds[0]
            fastest = speeds[speeds.count - 1]
        }

        var json: JSONValue {
            ["median": .double(median), "slowest": .double(slowest), "fastest": .double(fastest)]
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
    let prefill: Speed
    /// Decode over all sequences together, by batch size.
    let decode: [(batchSize: Int, speed: Speed)]
    /// What the same threads can do at most.
    let limits: MachineLimits

    /// How fast the machine could be at most, in tokens per second, and what bounds it.
    struct Limit {
        let tokensPerSecond: Double
        let bound: MachineLimits.Bound

        /// The share of it that a speed reaches.
        func share(of speed: Speed) -> Double { speed.median / tokensPerSecond }

        var json: JSONValue {
            ["tokens_per_second": .double(tokensPerSecond), "bound": .string(bound.rawValue)]
        }
    }

    /// The limit of the prompt's prefill: its last token alone meets the head.
    var prefillLimit: Limit? { limit(rows: plan.promptTokenCount, headRows: 1) }

    /// The limit of decoding so many sequences side by side, over all of them.
    func decodeLimit(batchSize: Int) -> Limit? { limit(rows: batchSize, headRows: batchSize) }

    private func limit(rows: Int, headRows: Int) -> Limit? {
        limits.leastSeconds(work, rows: rows, headRows: headRows).map { seconds, bound in
            Limit(tokensPerSecond: Double(rows) / seconds, bound: bound)
        }
    }

    /// Bytes of weights that a single sequence's decode reads per second, against what the memory
    /// can deliver.
    ///
    /// Above 1 the weights come from the cache.
    var bandwidthShare: Double? {
        guard let single = decode.first(where: { $0.batchSize == 1 }),
            let bandwidth = limits.memoryBandwidth
        else { return nil }
        return single.speed.median * Double(work.byteCount) / bandwidth
    }

    /// Two operations per weight of the layers and token, against what the cores can do.
    ///
    /// Attention and all else come on top.
    var peakShare: Double? {
        guard let integerPeak = limits.integerPeak else { return nil }
        return prefill.median * Double(work.layerCount) * 2 / integerPeak
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
                "limit": prefillLimit?.json ?? .null,
            ],
            "decode": .array(
                decode.map { batchSize, speed in
                    [
                        "sequences": .integer(batchSize), "tokens": .integer(plan.outputTokenCount),
                        "tokens_per_second": speed.json,
                        "limit": decodeLimit(batchSize: batchSize)?.json ?? .null,
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
                "decode_share_of_bandwidth": bandwidthShare.map { .double($0) } ?? .null,
                "prefill_share_of_peak": peakShare.map { .double($0) } ?? .null,
            ],
        ]
    }

    var text: String {
        var table = TextTable([
            ("TEST", .left), ("TOKENS/S", .right), ("SLOWEST", .right), ("FASTEST", .right),
            ("OF THE MACHINE", .left),
        ])
        func row(_ name: String, _ speed: Speed, _ note: String) {
            table.append([
                name, Quantity.decimal(speed.median, 1), Quantity.decimal(speed.slowest, 1),
                Quantity.decimal(speed.fastest, 1), note,
            ])
        }
        row("prefill of \(plan.promptTokenCount)", prefill, share(of: prefillLimit, prefill))
        for (batchSize, speed) in decode {
            let limit = decodeLimit(batchSize: batchSize)
            row("decode, \(batchSize) side by side", speed, share(of: limit, speed))
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
                "reads \(scaled(limits.memoryBandwidth, 1e9)) GB/s, computes "
                    + "\(scaled(limits.integerPeak, 1e12)) TOP/s in int8\(productPeaks)"
            ),
        ]) + "\n" + table.text
    }

    private func share(of limit: Limit?, _ speed: Speed) -> String {
        guard let limit else { return "" }
        let what =
            switch limit.bound {
            case .memory: "the memory's bandwidth"
            case .products: "its products' limit"
            }
        return "\(Quantity.decimal(limit.share(of: speed) * 100, 0)) % of \(what)"
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

import JSON

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
    /// Parameters that every token of a prompt meets; most of them are weights of products.
    let layerParameterCount: Int
    let loadSeconds: Double
    /// Packed weights; what decode reads for each token of a single sequence.
    let weightByteCount: Int
    let kvByteCount: Int
    let workspaceByteCount: Int
    /// The process's resident memory at the end, in bytes; nil when the system does not say.
    let residentByteCount: Int?
    let prefill: Speed
    /// Decode over all sequences together, by batch size.
    let decode: [(batchSize: Int, speed: Speed)]
    /// Bytes per second that the same threads read from memory.
    let memoryBandwidth: Double?
    /// 8-bit operations per second of the same threads.
    let integerPeak: Double?

    /// Bytes of weights that decode read per second, against what the memory can deliver.
    ///
    /// Above 1 the weights come from the cache.
    var bandwidthShare: Double? {
        guard let single = decode.first(where: { $0.batchSize == 1 }), let memoryBandwidth else {
            return nil
        }
        return single.speed.median * Double(weightByteCount) / memoryBandwidth
    }

    /// Two operations per weight of the layers and token, against what the cores can do.
    ///
    /// Attention and all else come on top.
    var peakShare: Double? {
        guard let integerPeak else { return nil }
        return prefill.median * Double(layerParameterCount) * 2 / integerPeak
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
            ],
            "decode": .array(
                decode.map { batchSize, speed in
                    [
                        "sequences": .integer(batchSize), "tokens": .integer(plan.outputTokenCount),
                        "tokens_per_second": speed.json,
                    ]
                }
            ),
            "machine": [
                "memory_bytes_per_second": memoryBandwidth.map { .double($0) } ?? .null,
                "int8_operations_per_second": integerPeak.map { .double($0) } ?? .null,
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
        row("prefill of \(plan.promptTokenCount)", prefill, share(peakShare, of: "the int8 peak"))
        for (batchSize, speed) in decode {
            row(
                "decode, \(batchSize) side by side",
                speed,
                batchSize == 1 ? share(bandwidthShare, of: "the memory's bandwidth") : ""
            )
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
                "reads \(scaled(memoryBandwidth, 1e9)) GB/s, computes "
                    + "\(scaled(integerPeak, 1e12)) TOP/s in int8"
            ),
        ]) + "\n" + table.text
    }

    private func share(_ value: Double?, of what: String) -> String {
        value.map { "\(Quantity.decimal($0 * 100, 0)) % of \(what)" } ?? ""
    }

    private func scaled(_ value: Double?, _ unit: Double) -> String {
        value.map { Quantity.decimal($0 / unit, 2) } ?? "-"
    }
}

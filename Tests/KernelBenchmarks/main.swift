// How fast matrices are multiplied and tokens chosen, beside what this machine can do at most:
//
//     swift run -c release KernelBenchmarks [THREADS] [TYPE…] [sampling]
//
// One JSON object a line. `weight_gigabytes_per_second` is to be compared with the bandwidth (its
// share is `of_bandwidth`) when there is one token, `tera_operations_per_second` with the integer
// peak (`of_peak`) when there are many. `of_product_peak` is the share of what such products can
// reach at most: dot products with all that the type's scales ask for beside them, on registers.
// All limits are measured anew for each type, and every time is processor time, so a shared machine
// gives usable ratios. A choice of a token is set beside reading its logits once from memory.

import Kernels
import Platform
import Tensors

let arguments = CommandLine.arguments.dropFirst()
let threadCounts = arguments.first.flatMap { Int($0) }.map { [$0] }
let typeNames = Set(arguments.filter { Int($0) == nil }.map { $0.uppercased() })

/// The matrices of the models that the project measures itself with: rows, columns and types.
let shapes: [MultiplicationBenchmark.Shape] = [
    .init("SmolLM2-135M feed-forward", rows: 1536, columns: 576, types: [.q4_1, .q4_0, .q5_1]),
    .init("SmolLM2-135M output head", rows: 49152, columns: 576, types: [.q8_0]),
    .init("Qwen2.5-0.5B feed-forward", rows: 4864, columns: 896, types: [.q5_0, .q8_0]),
    .init("Qwen2.5-0.5B down", rows: 896, columns: 4864, types: [.q4_K, .q5_K, .q6_K]),
    .init("Qwen2.5-0.5B output head", rows: 151_936, columns: 896, types: [.q8_0]),
    .init("float weights", rows: 1536, columns: 576, types: [.f32, .f16, .bf16]),
]

let instructionSet = try InstructionSet.selected()
for threads in threadCounts ?? Array(Set([1, ProcessorFacts.usableCoreCount()])).sorted() {
    for shape in shapes {
        for type in shape.types where typeNames.isEmpty || typeNames.contains(type.name) {
            let bandwidth = MachineProbe.memoryBandwidth(threads: threads)?.mean ?? .nan
            let peak =
                MachineProbe.integerPeak(threads: threads, instructionSet: instructionSet)?.mean
                ?? .nan
            let productPeak =
                MachineProbe.productPeak(
                    of: type,
                    threads: threads,
                    instructionSet: instructionSet
                )?.mean ?? .nan
            let benchmark = try MultiplicationBenchmark(
                shape: shape,
                type: type,
                threadCount: threads,
                instructionSet: instructionSet
            )
            for tokens in [1, 2, 4, 8, 16, 64] {
                let seconds = try benchmark.medianSeconds(tokens: tokens)
                let bytesPerSecond = Double(benchmark.byteCount) / seconds
                let operations = 2 * Double(shape.rows * shape.columns * tokens) / seconds
                print(
                    """
                    {"matrix": "\(shape.name)", "type": "\(type)", "set": "\(instructionSet)", \
                    "threads": \(threads), "tokens": \(tokens), \
                    "microseconds": \(rounded(seconds * 1e6)), \
                    "weight_gigabytes_per_second": \(rounded(bytesPerSecond / 1e9)), \
                    "of_bandwidth": \(rounded(bytesPerSecond / bandwidth)), \
                    "tera_operations_per_second": \(rounded(operations / 1e12)), \
                    "of_peak": \(rounded(operations / peak)), \
                    "product_peak_of_peak": \(rounded(productPeak / peak)), \
                    "of_product_peak": \(rounded(operations / productPeak))}
                    """
                )
            }
        }
    }
}

if typeNames.isEmpty || typeNames.contains("SAMPLING") {
    let bandwidth = MachineProbe.memoryBandwidth(threads: 1)?.mean ?? .nan
    for vocabularySize in [49_152, 151_936, 262_144] {
        let benchmark = SamplingBenchmark(vocabularySize: vocabularySize)
        for (name, parameters) in SamplingBenchmark.rules {
            let seconds = try benchmark.medianSeconds(parameters)
            let reading = Double(vocabularySize * MemoryLayout<Float>.size) / bandwidth
            print(
                """
                {"sampling": "\(name)", "vocabulary": \(vocabularySize), \
                "microseconds": \(rounded(seconds * 1e6)), \
                "readings": \(rounded(seconds / reading))}
                """
            )
        }
    }
}

/// Three digits after the point, or null.
func rounded(_ value: Double) -> String {
    value.isFinite ? "\((value * 1000).rounded() / 1000)" : "null"
}

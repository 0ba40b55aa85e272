import CKernels
import Glibc
import Kernels
import Platform
import Synchronization
import TestSupport
import Tensors

/// Multiplies one matrix, or so many copies of a small one that they don't fit the caches: that is
/// how a model's layers are met.
final class MultiplicationBenchmark {
    struct Shape {
        let name: String
        let rows: Int
        let columns: Int
        let types: [TensorType]

        init(_ name: String, rows: Int, columns: Int, types: [TensorType]) {
            self.name = name
            self.rows = rows
            self.columns = columns
            self.types = types
        }
    }

    /// The bytes of one copy of the matrix.
    let byteCount: Int

    private let matrices: [PackedMatrix]
    private let shape: Shape
    private let threadCount: Int
    private let instructionSet: InstructionSet
    private static let totalByteCount = 256 << 20
    private static let runCount = 7

    init(
        shape: Shape,
        type: TensorType,
        threadCount: Int,
        instructionSet: InstructionSet
    ) throws {
        self.shape = shape
        self.threadCount = threadCount
        self.instructionSet = instructionSet
        var random = SeededGenerator(seed: 1)
        let chunk = 128
        let rows = RandomBlocks.bytes(
            type: type,
            rowCount: chunk,
            columnCount: shape.columns,
            deviation: 0.02,
            using: &random
        )
        let byteCount =
            PackedMatrix.byteCount(type: type, rows: shape.rows, columns: shape.columns) ?? 0
        let copyCount = max(1, min(Self.totalByteCount / byteCount, 4096))
        matrices = try (0..<copyCount).map { _ in
            let matrix = try PackedMatrix(type: type, rows: shape.rows, columns: shape.columns)
            rows.withUnsafeBytes { bytes in
                for first in stride(from: 0, to: shape.rows, by: chunk) {
                    let count = min(chunk, shape.rows - first)
                    let source = bytes[..<(count * matrix.sourceRowByteCount)]
                    matrix.pack(.init(rebasing: source), firstRow: first, rowCount: count)
                }
            }
            return matrix
        }
        self.byteCount = byteCount
    }

    /// Processor seconds that the slowest thread takes for one multiplication; median of the runs.
    func medianSeconds(tokens: Int) throws -> Double {
        let storage = try AlignedBuffer(
            byteCount: torii_activations_bytes(Int32(tokens), Int32(shape.columns))
        )
        let outputs = try AlignedBuffer(byteCount: tokens * shape.rows * MemoryLayout<Float>.stride)
        let values = (0..<tokens * shape.columns).map { Float($0 % 97) / 48 - 1 }
        return try values.withUnsafeBufferPointer { values in
            let work = Work(
                activations: makeActivations(storage, values, tokens: tokens),
                output: outputs.baseAddress.assumingMemoryBound(to: Float.self),
                outputStride: shape.rows,
                tokens: tokens,
                matrices: matrices.map { $0.withMatrix { $0 } },
                kernels: torii_matmul_for(instructionSet.cValue).pointee
            )
            let warm = try run(work, repetitions: 1)
            let repetitions = max(1, Int(0.05 / max(warm, 1e-9)))
            let runs = try (0..<Self.runCount).map { _ in try run(work, repetitions: repetitions) }
            return runs.sorted()[Self.runCount / 2]
        }
    }

    private func makeActivations(
        _ storage: AlignedBuffer,
        _ values: UnsafeBufferPointer<Float>,
        tokens: Int
    ) -> torii_activations {
        var view = torii_activations()
        torii_activations_init(&view, Int32(tokens), Int32(shape.columns), storage.baseAddress)
        view.values = values.baseAddress
        view.value_stride = shape.columns
        let kernels = torii_matmul_for(instructionSet.cValue).pointee
        guard shape.columns % 32 == 0, let base = values.baseAddress else { return view }
        for token in 0..<tokens {
            kernels.quantize(base + token * shape.columns, Int32(token), &view)
        }
        return view
    }

    /// What all threads read.
    private struct Work: @unchecked Sendable {
        // Safety: read-only while threads run; they write different rows behind `output`.
        var activations: torii_activations
        let output: UnsafeMutablePointer<Float>
        let outputStride: Int
        let tokens: Int
        let matrices: [torii_matrix]
        let kernels: torii_matmul_kernels

        func multiply(part: Int, of partCount: Int, repetitions: Int) -> Double {
            var view = activations
            let strips = Int(matrices[0].strips)
            let first = strips * part / partCount
            let count = strips * (part + 1) / partCount - first
            let start = threadSeconds()
            for repetition in 0..<repetitions {
                var matrix = matrices[repetition % matrices.count]
                kernels.multiply(
                    &matrix,
                    &view,
                    0,
                    Int32(tokens),
                    Int32(first),
                    Int32(count),
                    output,
                    outputStride,
                    nil,
                    false
                )
            }
            return threadSeconds() - start
        }
    }

    private func run(_ work: Work, repetitions: Int) throws -> Double {
        let slowest = Mutex(0.0)
        let threadCount = threadCount
        try withThreads { part in
            let seconds = work.multiply(part: part, of: threadCount, repetitions: repetitions)
            slowest.withLock { $0 = max($0, seconds) }
        }
        return slowest.withLock { $0 } / Double(repetitions)
    }

    private func withThreads(_ body: @escaping @Sendable (Int) -> Void) throws {
        let threads = try (1..<threadCount).map { part in
            try DedicatedThread(name: "benchmark") { body(part) }
        }
        body(0)
        for thread in threads { thread.join() }
    }
}

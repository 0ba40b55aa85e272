import Kernels
package import ModelFiles
import Platform
import Tensors

/// How an adapter's file fits a model: which factors go where, and what they take.
///
/// Made of the header alone, before anything is allocated. To a product with the tensor `NAME` an
/// adapter adds `scale * lora_b (lora_a x)`, with `scale` = `adapter.lora.alpha` / rank; the factors
/// are the tensors `NAME.lora_a` `[in, rank]` and `NAME.lora_b` `[rank, out]`, fastest first.
///
/// The format: https://github.com/ggml-org/llama.cpp (convert_lora_to_gguf.py).
package struct AdapterPlan: Sendable {
    /// What is added to one product.
    private struct Pair: Sendable {
        let down: TensorRows
        let up: TensorRows
        let scale: Float
    }

    /// Bytes that the factors will take.
    package let byteCount: Int
    /// The largest rank of its factors.
    package let rank: Int

    private let file: GGUFFile
    /// By place.
    private let pairs: [Pair?]

    /// Finds the factors of each of the model's tensors and checks that none is left.
    ///
    /// - Parameters:
    ///   - file: The open adapter; see ``ModelFiles/GGUFFile/openAdapter(path:base:descriptors:)``.
    ///   - targets: The model's.
    /// - Throws: `AdapterError` naming the key or tensor at fault.
    package init(_ file: GGUFFile, for targets: AdapterTargets) throws(AdapterError) {
        self.file = file
        let alpha = try Self.alpha(of: file, for: targets.base)
        var left = Set(file.tensors.map(\.name))
        var pairs: [Pair?] = []
        var rank = 0
        var byteCount = 0
        for weight in targets.weights {
            let pair = try Self.pair(of: weight, alpha: alpha, in: file)
            pairs.append(pair)
            guard let pair else { continue }
            left.subtract([pair.down.tensor.name, pair.up.tensor.name])
            rank = max(rank, pair.down.range.count)
            for factor in [pair.down, pair.up] { byteCount += try Self.byteCount(of: factor) }
        }
        for tensor in file.tensors where left.contains(tensor.name) {
            throw Self.problem(of: tensor.name)
        }
        guard rank > 0 else { throw .empty }
        self.pairs = pairs
        self.rank = rank
        self.byteCount = byteCount
    }

    /// Reads the factors; blocks meanwhile, on this thread alone.
    ///
    /// - Parameter scale: What the adapter's own scale is multiplied with.
    /// - Returns: The adapter.
    /// - Throws: `AdapterError` naming the tensor at fault.
    package func load(scale: Double = 1) throws(AdapterError) -> Adapter {
        var factors: [StepAdapter.Factors?] = []
        for pair in pairs {
            guard let pair else {
                factors.append(nil)
                continue
            }
            factors.append(
                StepAdapter.Factors(
                    down: try matrix(pair.down),
                    up: try matrix(pair.up),
                    scale: pair.scale * Float(scale)
                )
            )
        }
        do throws(GGUFError) {
            try file.checkUnchanged()
        } catch {
            throw .file(error)
        }
        return Adapter(StepAdapter(factors), byteCount: byteCount)
    }

    // MARK: The header

    /// The file's alpha, after a look at what kind of file it is.
    private static func alpha(
        of file: GGUFFile,
        for base: AdapterBase
    ) throws(AdapterError) -> Double {
        do {
            let type = try file.metadata.string("general.type") ?? "model"
            guard type == "adapter" else { throw AdapterError.noAdapter(type: type) }
            let kind = try file.metadata.string("adapter.type") ?? "none"
            guard kind == "lora" else { throw AdapterError.unsupportedKind(kind) }
            guard file.metadata.type(of: "adapter.alora.invocation_tokens") == nil else {
                throw AdapterError.unsupportedKind("activated LoRA")
            }
            guard file.architecture == base.architecture else {
                throw AdapterError.wrongArchitecture(
                    adapter: file.architecture,
                    model: base.architecture
                )
            }
            let key = "adapter.lora.alpha"
            let alpha = try file.metadata.double(key) ?? 0
            guard alpha.isFinite else {
                throw AdapterError.invalidKey(key, value: "\(alpha)", reason: "it is a number")
            }
            return alpha
        } catch let error as AdapterError {
            throw error
        } catch let error as GGUFError {
            throw .file(error)
        } catch {
            preconditionFailure("a look at metadata throws one of two errors")
        }
    }

    /// The factors for one of the model's weights, or nil if the adapter leaves it alone.
    private static func pair(
        of weight: TensorRows,
        alpha: Double,
        in file: GGUFFile
    ) throws(AdapterError) -> Pair? {
        let (downName, upName) = (
            "\(weight.tensor.name).lora_a", "\(weight.tensor.name).lora_b"
        )
        let (down, up) = (file.tensor(downName), file.tensor(upName))
        if down == nil, up == nil { return nil }
        guard let down else { throw .missingFactor(downName) }
        guard let up else { throw .missingFactor(upName) }
        let rank = down.dimensions.count > 1 ? down.dimensions[1] : 1
        guard rank > 0, rank <= StepAdapter.maximumRank else {
            throw .unsupportedTensor(
                downName,
                reason: "its rank is \(rank); ranks up to \(StepAdapter.maximumRank) are supported"
            )
        }
        let rows = weight.tensor.elementCount / weight.columnCount
        try check(down, [weight.columnCount, rank])
        try check(up, [rank, rows])
        return Pair(
            down: TensorRows(down, columnCount: weight.columnCount),
            up: TensorRows(up, columnCount: rank).part(weight.range, order: weight.order),
            // As llama.cpp reads a file without one.
            scale: alpha == 0 ? 1 : Float(alpha / Double(rank))
        )
    }

    private static func check(_ tensor: GGUFTensor, _ expected: [Int]) throws(AdapterError) {
        // A rank of one may have lost its dimension.
        let actual = tensor.dimensions + [1, 1]
        guard Array(actual.prefix(2)) == expected, actual.dropFirst(2).allSatisfy({ $0 == 1 })
        else {
            throw .wrongShape(
                tensor: tensor.name,
                expected: expected,
                actual: tensor.dimensions
            )
        }
    }

    /// Why a tensor is left that belongs to no target.
    private static func problem(of name: String) -> AdapterError {
        let isFactor = name.hasSuffix(".lora_a") || name.hasSuffix(".lora_b")
        if !isFactor {
            return .unsupportedTensor(
                name,
                reason: "only pairs of low-rank factors, .lora_a and .lora_b, are supported"
            )
        }
        if name.contains("_exps.") {
            return .unsupportedTensor(name, reason: "experts cannot be adapted yet")
        }
        if name.hasPrefix("token_embd.") || name.hasPrefix("output.") {
            return .unsupportedTensor(
                name,
                reason: "the embedding, and a head that shares its weights, cannot be adapted yet"
            )
        }
        return .unknownTensor(name)
    }

    // MARK: The factors

    /// Half-precision factors stay what they are, everything else becomes floats.
    private static func packedType(of tensor: GGUFTensor) -> TensorType {
        [.f16, .bf16].contains(tensor.type) ? tensor.type : .f32
    }

    private static func byteCount(of factor: TensorRows) throws(AdapterError) -> Int {
        let byteCount = PackedMatrix.byteCount(
            type: packedType(of: factor.tensor),
            rows: factor.range.count,
            columns: factor.columnCount
        )
        guard let byteCount else {
            throw .unsupportedTensor(factor.tensor.name, reason: "it is too large")
        }
        return byteCount
    }

    private func matrix(_ factor: TensorRows) throws(AdapterError) -> PackedMatrix {
        let type = Self.packedType(of: factor.tensor)
        do {
            let packed = try PackedMatrix(
                type: type,
                rows: factor.range.count,
                columns: factor.columnCount
            )
            if type == factor.tensor.type {
                let pieces = try TensorPieces(factor, byteCount: 1 << 20)
                let buffer = try AlignedBuffer(byteCount: pieces.pieceByteCount, hugePages: false)
                for index in 0..<pieces.count {
                    try pieces.pack(index, of: file, into: packed, buffer: buffer)
                }
            } else {
                fill(packed, with: try file.floats(factor))
            }
            return packed
        } catch let error as ModelError {
            throw .factor(error)
        } catch {
            let what = "tensor '\(factor.tensor.name)'"
            throw .factor(.outOfMemory(what: what, byteCount: factor.byteCount))
        }
    }

    private func fill(_ packed: PackedMatrix, with values: [Float]) {
        // Safety: the floats are the matrix' rows, one after the other.
        unsafe values.withUnsafeBytes {
            unsafe packed.pack($0, firstRow: 0, rowCount: packed.rows)
        }
    }
}

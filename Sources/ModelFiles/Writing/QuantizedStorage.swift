package import Tensors

extension GGUFFile {
    /// The same model with its matrices stored in another type, made as they are read.
    ///
    /// Norms, biases and other small tensors stay as they are. A matrix whose rows don't divide into
    /// blocks of the type gets a type that they divide into; with `q4_K` the embedding and the head
    /// get `q6_K`, as errors in them weigh more. Matrices that a folder has in 4 bits already stay so,
    /// unless `type` is one of plain numbers: they could only lose.
    ///
    /// - Parameter type: One of `BlockQuantizer.supportedTypes`.
    /// - Returns: A model that reads from this one.
    /// - Throws: A key of the metadata that can't be read.
    package func quantized(to type: TensorType) throws(GGUFError) -> GGUFFile {
        let keepsBlocks =
            try metadata.string(FolderKeys.quantization) != nil && type.blockElementCount > 1
        let tensors = tensors.enumerated().map { index, tensor in
            let isKept = keepsBlocks && tensor.type.blockElementCount > 1
            let chosen = isKept ? tensor.type : Self.type(for: tensor, wanted: type)
            let byteCount = chosen.rowByteCount(elementCount: tensor.dimensions.first ?? 1)
                .map { $0 * (tensor.elementCount / max(1, tensor.dimensions.first ?? 1)) }
            return GGUFTensor(
                name: tensor.name,
                type: chosen,
                dimensions: tensor.dimensions,
                byteCount: byteCount ?? tensor.byteCount,
                partIndex: index,
                fileOffset: 0,
                columnOrder: isKept ? tensor.columnOrder : nil
            )
        }
        return try GGUFFile(
            metadata: try metadata.replacing(
                [("general.quantization_version", .uint32(2))]
                    + (keepsBlocks
                        ? [] : [("general.file_type", .uint32(Self.fileTypeNumber(type)))])
            ),
            tensors: tensors,
            storage: QuantizedStorage(source: self)
        )
    }

    /// The same model with the columns of all matrices where the model has them, as a file must:
    /// matrices in an order of their own become `F16`.
    ///
    /// - Returns: A model that reads from this one, or this one.
    package func inModelOrder() throws(GGUFError) -> GGUFFile {
        guard tensors.contains(where: { $0.columnOrder != nil }) else { return self }
        let tensors = tensors.enumerated().map { index, tensor in
            let isOrdered = tensor.columnOrder != nil
            return GGUFTensor(
                name: tensor.name,
                type: isOrdered ? .f16 : tensor.type,
                dimensions: tensor.dimensions,
                byteCount: isOrdered
                    ? TensorType.f16.blockByteCount * tensor.elementCount : tensor.byteCount,
                partIndex: index,
                fileOffset: 0
            )
        }
        return try GGUFFile(
            metadata: metadata,
            tensors: tensors,
            storage: QuantizedStorage(source: self)
        )
    }

    private static func type(for tensor: GGUFTensor, wanted: TensorType) -> TensorType {
        let kept = ["position_embd.weight", "token_types.weight"]
        guard tensor.dimensions.count >= 2, tensor.name.hasSuffix(".weight"),
            !kept.contains(tensor.name), !tensor.name.hasSuffix("_norm.weight"),
            !tensor.name.hasSuffix("ffn_gate_inp.weight"),
            BlockDequantizer.supportedTypes.contains(tensor.type)
        else { return tensor.type }
        var type = wanted
        if type == .q4_K, ["token_embd.weight", "output.weight"].contains(tensor.name) {
            type = .q6_K
        }
        let columns = tensor.dimensions[0]
        if columns % type.blockElementCount != 0 { type = .q8_0 }
        if columns % type.blockElementCount != 0 { type = .f16 }
        return type
    }

    /// llama.cpp's `llama_ftype`.
    private static func fileTypeNumber(_ type: TensorType) -> UInt32 {
        switch type {
        case .f32: 0
        case .f16: 1
        case .q8_0: 7
        case .q4_K: 14
        case .q6_K: 18
        case .bf16: 32
        default: preconditionFailure("\(type) is no type of whole files")
        }
    }
}

/// Reads another model's tensors and puts them into other types.
///
/// Safe from any thread.
struct QuantizedStorage: TensorStorage {
    /// Its tensors have the same names.
    let source: GGUFFile

    func checkUnchanged() throws(GGUFError) { try source.checkUnchanged() }

    /// The tensors' types are known to whoever asks.
    var identity: String { source.identity }

    func read(
        _ tensor: GGUFTensor,
        byteOffset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(GGUFError) {
        let stored = source.tensors[tensor.partIndex]
        guard stored.type != tensor.type else {
            // Safety: the caller's buffer is passed on as it is.
            return try unsafe source.read(stored, byteOffset: byteOffset, into: buffer)
        }
        let columns = tensor.dimensions[0]
        guard let rowByteCount = tensor.type.rowByteCount(elementCount: columns),
            let storedRowByteCount = stored.type.rowByteCount(elementCount: columns),
            rowByteCount > 0
        else { preconditionFailure("rows of a quantised tensor are whole blocks") }
        // Whole rows around the range.
        let first = byteOffset / rowByteCount
        let last = (byteOffset + buffer.count + rowByteCount - 1) / rowByteCount
        let bytes = try source.contents(
            of: stored,
            from: first * storedRowByteCount,
            count: (last - first) * storedRowByteCount
        )
        var values = try floats(bytes, stored)
        if let order = stored.columnOrder { values = Self.restored(values, order) }
        let blocks = BlockQuantizer.quantize(values, type: tensor.type)
        let start = byteOffset - first * rowByteCount
        // Safety: the rows hold the range that was asked for.
        unsafe blocks.withUnsafeBytes {
            unsafe buffer.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: $0[start..<start + buffer.count])
            )
        }
    }

    /// Rows with their columns where the model has them.
    private static func restored(_ values: [Float], _ order: [Int32]) -> [Float] {
        var restored = values
        for row in stride(from: 0, to: values.count, by: order.count) {
            for (place, column) in order.enumerated() {
                restored[row + Int(column)] = values[row + place]
            }
        }
        return restored
    }

    private func floats(_ bytes: [UInt8], _ tensor: GGUFTensor) throws(GGUFError) -> [Float] {
        if [.f32, .f16, .bf16].contains(tensor.type) {
            return FloatBytes.floats(bytes, type: tensor.type)
        }
        let count = bytes.count / tensor.type.blockByteCount * tensor.type.blockElementCount
        var values = [Float](repeating: 0, count: count)
        // Safety: both buffers are arrays' own storage, for the time of the call.
        let failure = unsafe bytes.withUnsafeBytes { raw in
            unsafe values.withUnsafeMutableBufferPointer { output -> TensorError? in
                do throws(TensorError) {
                    try unsafe BlockDequantizer.dequantize(raw, type: tensor.type, into: output)
                    return nil
                } catch {
                    return error
                }
            }
        }
        if let failure {
            throw GGUFError(
                path: source.path,
                problem: .invalidTensor(name: tensor.name, reason: "\(failure)")
            )
        }
        return values
    }
}

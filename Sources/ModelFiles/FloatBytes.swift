import Tensors

/// Plain numbers as they lie in files.
enum FloatBytes {
    /// The numbers in `bytes`, which are of the type F32, F16 or BF16.
    static func floats(_ bytes: [UInt8], type: TensorType) -> [Float] {
        // Safety: as many numbers are read as lie in the buffer; all are loadable from any bytes.
        unsafe bytes.withUnsafeBytes { raw in
            switch type {
            case .f32:
                (0..<raw.count / 4).map { index in
                    let bits = unsafe raw.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
                    return Float(bitPattern: UInt32(littleEndian: bits))
                }
            case .f16:
                (0..<raw.count / 2).map { index in
                    let bits = unsafe raw.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                    return Float(Float16(bitPattern: UInt16(littleEndian: bits)))
                }
            case .bf16:
                (0..<raw.count / 2).map { index in
                    let bits = unsafe raw.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                    return Float(bitPattern: UInt32(UInt16(littleEndian: bits)) << 16)
                }
            default:
                preconditionFailure("\(type) is not a type of plain numbers")
            }
        }
    }
}

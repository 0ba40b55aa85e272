/// Turns stored weights into numbers: the scalar reference that all kernels are tested against.
///
/// Written after the formulas of each type, not for speed. Products and sums are rounded to single
/// precision one by one, so the result is the same on every machine.
package enum BlockDequantizer {
    /// The types that have a reference here: those that Torii computes with.
    package static let supportedTypes: [TensorType] = [
        .f32, .f16, .bf16, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K,
        .iq4_NL, .iq4_XS, .mxfp4,
    ]

    /// Dequantises `bytes`, whole quantised blocks of `type`, into `output`.
    ///
    /// Throws if the type has no reference, if `bytes` isn't whole blocks, or if `output` hasn't
    /// exactly as many elements as they hold.
    package static func dequantize(
        _ bytes: UnsafeRawBufferPointer,
        type: TensorType,
        into output: UnsafeMutableBufferPointer<Float>
    ) throws(TensorError) {
        guard supportedTypes.contains(type) else { throw .unsupportedType(type) }
        let blockCount = bytes.count / type.blockByteCount
        guard bytes.count % type.blockByteCount == 0,
            output.count == blockCount * type.blockElementCount
        else {
            throw .wrongByteCount(
                type: type,
                byteCount: bytes.count,
                elementCount: output.count
            )
        }
        for index in 0..<blockCount {
            // Safety: both slices lie in their buffers, whose lengths were compared above.
            let block = unsafe QuantisedBlock(
                bytes: UnsafeRawBufferPointer(
                    rebasing: bytes[index * type.blockByteCount..<(index + 1) * type.blockByteCount]
                )
            )
            let start = index * type.blockElementCount
            for element in 0..<type.blockElementCount {
                unsafe output[start + element] = unsafe block.value(at: element, type: type)
            }
        }
    }
}

/// Why weights can't be dequantised.
package enum TensorError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no reference for the type.
    case unsupportedType(TensorType)
    /// The bytes aren't as many as the elements take.
    case wrongByteCount(type: TensorType, byteCount: Int, elementCount: Int)

    package var description: String {
        switch self {
        case .unsupportedType(let type):
            "\(type) weights can't be computed with. Get the model in another quantisation, "
                + "such as Q4_K_M or Q8_0"
        case .wrongByteCount(let type, let byteCount, let elementCount):
            "\(byteCount) bytes of \(type) don't hold \(elementCount) elements"
        }
    }
}

/// One group of weights that share a scale.
///
/// Layouts: ggml/src/ggml-common.h in llama.cpp.
///
/// `value` picks one element, so that each formula stands alone and can be read against the layout.
@unsafe
private struct QuantisedBlock {
    let bytes: UnsafeRawBufferPointer

    func value(at element: Int, type: TensorType) -> Float {
        switch type {
        case .f32: unsafe Float(bitPattern: integer(at: 0))
        case .f16: unsafe half(at: 0)
        case .bf16: unsafe Float(bitPattern: UInt32(integer(at: 0) as UInt16) << 16)
        case .q4_0: unsafe half(at: 0) * Float(nibble(at: 2, element) - 8)
        case .q4_1: unsafe half(at: 0) * Float(nibble(at: 4, element)) + half(at: 2)
        case .q5_0: unsafe half(at: 0) * Float(fiveBits(at: 2, element) - 16)
        case .q5_1: unsafe half(at: 0) * Float(fiveBits(at: 4, element)) + half(at: 2)
        case .q8_0: unsafe half(at: 0) * Float(Int8(bitPattern: bytes[2 + element]))
        case .q2_K: unsafe twoBitValue(element)
        case .q3_K: unsafe threeBitValue(element)
        case .iq4_NL: unsafe half(at: 0) * Self.iq4Values[nibble(at: 2, element)]
        case .iq4_XS: unsafe iq4Value(element)
        case .mxfp4: unsafe exponent(at: 0) * Self.fp4Values[nibble(at: 1, element)]
        case .q4_K: unsafe scaled(kNibble(at: 16, element), element)
        case .q5_K: unsafe scaled(kNibble(at: 48, element) + kHighBit(at: 16, element), element)
        case .q6_K: unsafe sixBitValue(element)
        default: preconditionFailure("\(type) has no reference")
        }
    }

    private func integer<Value: FixedWidthInteger>(at offset: Int) -> Value {
        // Safety: the offset lies in the block, as `loadUnaligned` checks in debug builds.
        unsafe Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    private func half(at offset: Int) -> Float {
        unsafe Float(Float16(bitPattern: integer(at: offset)))
    }

    /// Blocks of 32: byte j holds element j below and element j + 16 above.
    private func nibble(at offset: Int, _ element: Int) -> Int {
        let byte = unsafe Int(bytes[offset + element % 16])
        return element < 16 ? byte & 15 : byte >> 4
    }

    /// Blocks of 32: a word with the fifth bit of each element, then nibbles.
    private func fiveBits(at offset: Int, _ element: Int) -> Int {
        let high: UInt32 = unsafe integer(at: offset)
        return unsafe nibble(at: offset + 4, element) + Int(high >> UInt32(element) & 1) * 16
    }

    /// What the nibbles of IQ4_NL and IQ4_XS stand for (`kvalues_iq4nl`).
    private static let iq4Values: [Float] = [
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]

    /// Twice what the nibbles of MXFP4 stand for (E2M1 of the OCP's Microscaling Formats).
    private static let fp4Values: [Float] = [
        0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
    ]

    /// 2^(e - 128): MXFP4's scale (E8M0, bias 127) of twice the weight.
    private func exponent(at offset: Int) -> Float {
        unsafe Float(sign: .plus, exponent: Int(bytes[offset]) - 128, significand: 1)
    }

    // MARK: Blocks of 256

    /// Each 128 elements take 32 bytes: element 32n + l has bits 2n and 2n + 1 of byte l.
    private func bitPair(at offset: Int, _ element: Int) -> Int {
        let byte = unsafe Int(bytes[offset + element / 128 * 32 + element % 32])
        return byte >> (2 * (element % 128 / 32)) & 3
    }

    /// Q2_K: 16 bytes with a scale and a minimum of four bits each, bit pairs, two halves.
    private func twoBitValue(_ element: Int) -> Float {
        let pair = unsafe Int(bytes[element / 16])
        let product = unsafe half(at: 80) * Float(pair & 15) * Float(bitPair(at: 16, element))
        return unsafe product - half(at: 82) * Float(pair >> 4)
    }

    /// Q3_K: third bits, bit pairs, 16 six-bit scales in 12 bytes, one half.
    ///
    /// Scale i has its low nibble in byte i % 8, below for i < 8, and its high pair in byte
    /// 8 + i % 4 at bit 2 (i / 4). A third bit that is missing counts -4.
    private func threeBitValue(_ element: Int) -> Float {
        let index = element / 16
        let lowByte = unsafe Int(bytes[96 + index % 8])
        let low = index < 8 ? lowByte & 15 : lowByte >> 4
        let high = unsafe Int(bytes[104 + index % 4]) >> (2 * (index / 4)) & 3
        let third = unsafe Int(bytes[element % 32]) >> (element / 32) & 1
        let quant = unsafe bitPair(at: 32, element) - (third == 1 ? 0 : 4)
        return unsafe half(at: 108) * Float((low | high << 4) - 32) * Float(quant)
    }

    /// IQ4_XS: one half, then six-bit scales of eight sub-blocks (high pairs in a word, low
    /// nibbles), then nibbles as in eight blocks of 32.
    private func iq4Value(_ element: Int) -> Float {
        let subBlock = element / 32
        let highPairs: UInt16 = unsafe integer(at: 2)
        let low = unsafe Int(bytes[4 + subBlock / 2]) >> (4 * (subBlock % 2)) & 15
        let scale = (low | (Int(highPairs) >> (2 * subBlock) & 3) << 4) - 32
        let index = unsafe nibble(at: 8 + 16 * subBlock, element % 32)
        return unsafe half(at: 0) * Float(scale) * Self.iq4Values[index]
    }

    /// Each 64 elements take 32 bytes: the first 32 below, the other 32 above.
    private func kNibble(at offset: Int, _ element: Int) -> Int {
        let byte = unsafe Int(bytes[offset + element / 64 * 32 + element % 32])
        return element % 64 < 32 ? byte & 15 : byte >> 4
    }

    /// Bit k of byte l is the fifth bit of element l of sub-block k; it counts 16.
    private func kHighBit(at offset: Int, _ element: Int) -> Int {
        unsafe (Int(bytes[offset + element % 32]) >> (element / 32) & 1) * 16
    }

    /// Q4_K and Q5_K: two halves, then six-bit scales and minima of eight sub-blocks in 12 bytes.
    private func scaled(_ quant: Int, _ element: Int) -> Float {
        let subBlock = element / 32
        func packed(_ index: Int) -> Int { unsafe Int(bytes[4 + index]) }
        let scale: Int
        let minimum: Int
        if subBlock < 4 {
            scale = packed(subBlock) & 63
            minimum = packed(subBlock + 4) & 63
        } else {
            scale = packed(subBlock + 4) & 15 | (packed(subBlock - 4) >> 6) << 4
            minimum = packed(subBlock + 4) >> 4 | (packed(subBlock) >> 6) << 4
        }
        return unsafe half(at: 0) * Float(scale) * Float(quant) - half(at: 2) * Float(minimum)
    }

    /// Q6_K: 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, one half.
    ///
    /// Each 128 elements take 64 and 32 bytes; element 32q + l has its low bits in byte l or
    /// l + 32, below for q = 0 and 1, above for q = 2 and 3, and its high bits in pair q of byte l.
    private func sixBitValue(_ element: Int) -> Float {
        let group = element / 128
        let quarter = element % 128 / 32
        let place = element % 32
        let lowByte = unsafe Int(bytes[group * 64 + quarter % 2 * 32 + place])
        let low = quarter < 2 ? lowByte & 15 : lowByte >> 4
        let high = unsafe Int(bytes[128 + group * 32 + place]) >> (2 * quarter) & 3
        let scale = unsafe Int8(bitPattern: bytes[192 + element / 16])
        return unsafe half(at: 208) * Float(scale) * Float((low | high << 4) - 32)
    }
}

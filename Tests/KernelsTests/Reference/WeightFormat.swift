import Tensors

/// Where each element of a quantised block lies, element by element as GGUF's types are described;
/// deliberately written without a thought of speed or of the kernels' layout.
struct WeightFormat {
    let type: TensorType

    /// The types that have kernels.
    static let all: [TensorType] = [
        .f32, .f16, .bf16, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K,
        .iq4_NL, .iq4_XS, .mxfp4,
    ]

    static let quantised: [TensorType] = all.filter { $0.blockElementCount > 1 }

    /// Elements that share a scale.
    var subBlockLength: Int { [.q2_K, .q3_K, .q6_K].contains(type) ? 16 : 32 }

    /// Where the f16 scales (and minimums) of a block are.
    var halfOffsets: [Int] {
        switch type {
        case .q4_0, .q5_0, .q8_0, .iq4_NL, .iq4_XS: [0]
        case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
        case .q2_K: [80, 82]
        case .q3_K: [108]
        case .q6_K: [208]
        default: []
        }
    }

    var hasMinimums: Bool { halfOffsets.count == 2 }

    private static let iq4 = [
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]

    /// The integer of element `j`, zero point taken off.
    func quant(_ block: ArraySlice<UInt8>, _ j: Int) -> Int {
        let b = { (offset: Int) in Int(block[block.startIndex + offset]) }
        let splitNibble = { (offset: Int) in
            j < 16 ? b(offset + j) & 15 : b(offset + j - 16) >> 4
        }
        let fifthBit = { (offset: Int) in (b(offset + j / 8) >> (j % 8)) & 1 }
        switch type {
        case .q4_0: return splitNibble(2) - 8
        case .q4_1: return splitNibble(4)
        case .q5_0: return splitNibble(6) + 16 * fifthBit(2) - 16
        case .q5_1: return splitNibble(8) + 16 * fifthBit(4)
        case .q8_0: return Int(Int8(truncatingIfNeeded: b(2 + j)))
        case .iq4_NL: return Self.iq4[splitNibble(2)]
        case .iq4_XS:
            let nibbles = b(8 + j / 32 * 16 + j % 16)
            return Self.iq4[j % 32 < 16 ? nibbles & 15 : nibbles >> 4]
        case .mxfp4:
            // Sign, two bits of exponent, one of mantissa: twice the number they say.
            let code = splitNibble(1)
            let (exponent, mantissa) = (code >> 1 & 3, code & 1)
            let twice = exponent == 0 ? mantissa : (2 + mantissa) << (exponent - 1)
            return code >> 3 == 1 ? -twice : twice
        case .q2_K: return (b(16 + j / 128 * 32 + j % 32) >> (j % 128 / 32 * 2)) & 3
        case .q3_K:
            let low = (b(32 + j / 128 * 32 + j % 32) >> (j % 128 / 32 * 2)) & 3
            return low + 4 * ((b(j % 32) >> (j / 32)) & 1) - 4
        case .q4_K, .q5_K:
            let nibbles = b((type == .q4_K ? 16 : 48) + 32 * (j / 64) + j % 32)
            let low = j % 64 < 32 ? nibbles & 15 : nibbles >> 4
            return type == .q4_K ? low : low + 16 * ((b(16 + j % 32) >> (j / 32)) & 1)
        case .q6_K:
            let (half, quarter, l) = (j / 128, j % 128 / 32, j % 32)
            let nibbles = b(64 * half + 32 * (quarter % 2) + l)
            let low = quarter < 2 ? nibbles & 15 : nibbles >> 4
            let high = (b(128 + 32 * half + l) >> (2 * quarter)) & 3
            return low + 16 * high - 32
        default: preconditionFailure("\(type) isn't quantised")
        }
    }

    /// The factors of element `j`: value = scale * quant - minimum.
    func scale(_ block: ArraySlice<UInt8>, _ j: Int) -> (scale: Float, minimum: Float) {
        let b = { (offset: Int) in block[block.startIndex + offset] }
        let half = { (offset: Int) in
            Float(Float16(bitPattern: UInt16(b(offset)) | UInt16(b(offset + 1)) << 8))
        }
        switch type {
        case .q4_0, .q5_0, .q8_0, .iq4_NL: return (half(0), 0)
        case .iq4_XS:
            let s = j / 32
            let upper = UInt16(b(2)) | UInt16(b(3)) << 8
            let sixBits = Int(b(4 + s / 2) >> (s % 2 * 4) & 15) + Int(upper >> (2 * s) & 3) * 16
            return (half(0) * Float(sixBits - 32), 0)
        case .mxfp4: return (Float(sign: .plus, exponent: Int(b(0)) - 128, significand: 1), 0)
        case .q2_K:
            let pair = b(j / 16)
            return (half(80) * Float(pair & 15), half(82) * Float(pair >> 4))
        case .q3_K:
            let i = j / 16
            let low = i < 8 ? b(96 + i) & 15 : b(96 + i - 8) >> 4
            let sixBits = Int(low) + Int(b(104 + i % 4) >> (i / 4 * 2) & 3) * 16
            return (half(108) * Float(sixBits - 32), 0)
        case .q4_1, .q5_1: return (half(0), -half(2))
        case .q4_K, .q5_K:
            let s = j / 32
            let (scale, minimum): (UInt8, UInt8) =
                s < 4
                ? (b(4 + s) & 63, b(8 + s) & 63)
                : (
                    b(8 + s) & 15 | (b(s) >> 6) << 4,
                    b(8 + s) >> 4 | (b(4 + s) >> 6) << 4
                )
            return (half(0) * Float(scale), half(2) * Float(minimum))
        case .q6_K:
            return (half(208) * Float(Int8(bitPattern: b(192 + j / 16))), 0)
        default: preconditionFailure("\(type) isn't quantised")
        }
    }

    /// The f32 value of one element of a float type.
    func value(_ bytes: ArraySlice<UInt8>) -> Float {
        let bits = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return switch type {
        case .f32: Float(bitPattern: bits)
        case .f16: Float(Float16(bitPattern: UInt16(bits)))
        default: Float(bitPattern: bits << 16)
        }
    }
}

package import CKernels
import Glibc

/// A set of processor instructions that the kernels are written for.
///
/// All sets compute the same bits; they differ in speed only.
package enum InstructionSet: String, Sendable, CaseIterable {
    /// Portable C, on every processor.
    case scalar
    /// x86 with AVX2, FMA and F16C.
    case avx2
    /// The same with AVX-VNNI.
    case avxvnni
    /// x86 with AVX-512 F, BW, DQ, VL and VNNI.
    case avx512
    /// Arm with Advanced SIMD and the dot product of Armv8.2.
    case neon

    /// The variable that forces a set, for tests and for comparisons.
    package static let environmentVariable = "TORII_ISA"

    /// The set that `TORII_ISA` names if this machine supports it, else the widest.
    ///
    /// A process that serves users asks `selected()` once at its start, so that a wrong value is
    /// reported instead of ignored.
    package static var best: InstructionSet { InstructionSet(torii_isa_best()) }

    /// The widest set of this processor and operating system.
    package static var widest: InstructionSet { InstructionSet(torii_isa_widest()) }

    /// The set to use: the one that `TORII_ISA` names, or the widest without it.
    ///
    /// - Throws: `InstructionSetError` when the variable names no set, or one that can't run here.
    package static func selected() throws(InstructionSetError) -> InstructionSet {
        // Safety: the string is copied at once; nothing in this process changes its environment.
        guard let value = unsafe getenv(environmentVariable) else { return widest }
        return unsafe try selected(name: String(cString: value))
    }

    /// The set that `name` (as `TORII_ISA` spells it) asks for; nil or empty asks for the widest.
    ///
    /// - Throws: `InstructionSetError` when there is no such set, or it can't run here.
    package static func selected(
        name: String?
    ) throws(InstructionSetError) -> InstructionSet {
        guard let name, !name.isEmpty else { return widest }
        guard let set = InstructionSet(rawValue: name) else { throw .unknown(name: name) }
        guard set.isSupported else { throw .unsupported(set) }
        return set
    }

    /// Whether this processor and operating system can run the set's kernels.
    package var isSupported: Bool { torii_isa_supported(cValue) }

    /// The sets that this machine can run, narrowest first.
    package static var supported: [InstructionSet] { allCases.filter(\.isSupported) }

    /// The set as the C kernels number it.
    package var cValue: torii_isa {
        switch self {
        case .scalar: TORII_ISA_SCALAR
        case .avx2: TORII_ISA_AVX2
        case .avxvnni: TORII_ISA_AVXVNNI
        case .avx512: TORII_ISA_AVX512
        case .neon: TORII_ISA_NEON
        }
    }

    private init(_ value: torii_isa) {
        switch value {
        case TORII_ISA_AVX512: self = .avx512
        case TORII_ISA_AVX2: self = .avx2
        case TORII_ISA_AVXVNNI: self = .avxvnni
        case TORII_ISA_NEON: self = .neon
        default: self = .scalar
        }
    }
}

/// Why the instruction set that `TORII_ISA` asks for can't be used.
package enum InstructionSetError: Error, Hashable, CustomStringConvertible {
    /// No set is called so.
    case unknown(name: String)
    /// The processor or the operating system lacks the set.
    case unsupported(InstructionSet)

    package var description: String {
        let variable = InstructionSet.environmentVariable
        let names = InstructionSet.supported.map(\.rawValue).joined(separator: ", ")
        return switch self {
        case .unknown(let name):
            "\(variable)=\(name) names no instruction set; this machine supports \(names)"
        case .unsupported(let set):
            "\(variable)=\(set.rawValue) can't run on this machine; it supports \(names)"
        }
    }
}

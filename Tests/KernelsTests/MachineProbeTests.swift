import Kernels
import Tensors
import Testing

@Suite(.timeLimit(.minutes(15))) struct MachineProbeTests {
    @Test func `the probes measure something`() throws {
        let memory = try #require(MachineProbe.memoryBandwidth(threads: 1))
        #expect(memory.mean > 1e7)
        for set in InstructionSet.supported {
            let peak = try #require(MachineProbe.integerPeak(threads: 2, instructionSet: set))
            #expect(peak.mean > 1e7 && peak.best > 1e7)
        }
    }

    @Test func `every type with kernels has products whose limit is measured`() throws {
        for set in InstructionSet.supported where set != .scalar {
            for type in TensorType.allCases
            where PackedMatrix.byteCount(type: type, rows: 1, columns: 256) != nil {
                let peak = MachineProbe.productPeak(of: type, threads: 1, instructionSet: set)
                #expect(try #require(peak, "\(type) with \(set)").mean > 1e7)
            }
        }
        // The compiler's own code has no limit that could be told beforehand.
        let scalar = MachineProbe.productPeak(of: .q4_0, threads: 1, instructionSet: .scalar)
        #expect(scalar == nil)
        #expect(MachineProbe.productPeak(of: .iq1_M, threads: 1) == nil)
    }

    @Test func `impossible numbers of threads measure nothing`() {
        #expect(MachineProbe.memoryBandwidth(threads: 0) == nil)
        #expect(MachineProbe.integerPeak(threads: 257) == nil)
        #expect(MachineProbe.integerPeak(threads: .max) == nil)
        #expect(MachineProbe.productPeak(of: .q4_0, threads: 0) == nil)
    }
}

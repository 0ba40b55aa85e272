import Kernels
import Testing

@Suite(.timeLimit(.minutes(15))) struct MachineProbeTests {
    @Test func `the probes measure something`() throws {
        #expect(try #require(MachineProbe.memoryBandwidth(threads: 1)) > 1e7)
        for set in InstructionSet.supported {
            let peak = try #require(MachineProbe.integerPeak(threads: 2, instructionSet: set))
            #expect(peak > 1e7)
        }
        #expect(
            (MachineProbe.tilePeak(threads: 2, multiplications: 36) ?? 0 > 1e7)
                == InstructionSet.supported.contains(.avx512)
        )
    }

    @Test func `impossible numbers of threads measure nothing`() {
        #expect(MachineProbe.memoryBandwidth(threads: 0) == nil)
        #expect(MachineProbe.integerPeak(threads: 257) == nil)
        #expect(MachineProbe.integerPeak(threads: .max) == nil)
        #expect(MachineProbe.tilePeak(threads: 0, multiplications: 36) == nil)
    }
}

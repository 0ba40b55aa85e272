import Glibc
import Kernels
import Testing

@Suite(.timeLimit(.minutes(15))) struct InstructionSetTests {
    @Test func `without a wish the widest supported set is used`() throws {
        let widest = try InstructionSet.selected(name: nil)
        #expect(widest == .widest && widest == InstructionSet.supported.last)
        #expect(try InstructionSet.selected(name: "") == widest)
    }

    @Test func `a supported set can be asked for by name`() throws {
        for set in InstructionSet.supported {
            #expect(try InstructionSet.selected(name: set.rawValue) == set)
        }
    }

    @Test func `an unknown name is an error that lists the names`() throws {
        let error = #expect(throws: InstructionSetError.unknown(name: "nonsense")) {
            try InstructionSet.selected(name: "nonsense")
        }
        let message = try #require(error).description
        #expect(message.hasPrefix("TORII_ISA=nonsense names no instruction set"))
        #expect(message.contains("scalar"))
    }

    @Test func `a set that can't run here is an error that lists those that can`() {
        let message = InstructionSetError.unsupported(.avx512).description
        #expect(message.hasPrefix("TORII_ISA=avx512 can't run on this machine"))
        #expect(message.contains("scalar"))
    }

    @Test func `the environment's nonsense is an error, its scalar is obeyed`() async {
        await #expect(processExitsWith: .success) {
            setenv("TORII_ISA", "nonsense", 1)
            #expect(throws: InstructionSetError.unknown(name: "nonsense")) {
                try InstructionSet.selected()
            }
            #expect(InstructionSet.best == .widest)
            setenv("TORII_ISA", "scalar", 1)
            #expect((try? InstructionSet.selected()) == .scalar)
            #expect(InstructionSet.best == .scalar)
        }
    }
}

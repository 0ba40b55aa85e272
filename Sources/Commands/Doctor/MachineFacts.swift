import Glibc
import Kernels
import Platform

/// What `torii doctor` wants to know of the machine.
struct MachineFacts: Sendable {
    /// The kernels that would compute; nil with the reason why none can be chosen.
    var instructionSet: Result<InstructionSet, InstructionSetError>
    /// Cores that this process may use.
    var coreCount: Int
    /// Bytes that models could take now.
    var availableByteCount: Int
    /// Bytes of the machine, or of the process's control groups.
    var totalByteCount: Int
    /// Files that the process may open.
    var openFileLimit: Int
    /// What of the workers' sandbox the kernel lacks.
    var missingSandboxHalves: [Sandbox.Half]

    /// This machine's.
    static func now(variables: [String: String]) -> MachineFacts {
        MachineFacts(
            instructionSet: Result { () throws(InstructionSetError) in
                try InstructionSet.selected(name: variables[InstructionSet.environmentVariable])
            },
            coreCount: ProcessorFacts.usableCoreCount(),
            availableByteCount: Platform.MemoryFacts.availableByteCount(),
            totalByteCount: Platform.MemoryFacts.totalByteCount(),
            openFileLimit: hardOpenFileLimit(),
            missingSandboxHalves: Sandbox.Half.allCases.filter { !$0.isOffered }
        )
    }

    /// The limit that the daemon raises its own to.
    private static func hardOpenFileLimit() -> Int {
        var limit = rlimit()
        // Safety: `limit` outlives the call.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 0
        }
        return Int(clamping: limit.rlim_max)
    }

    /// What is to be said about them.
    var findings: [Finding] { [processor, memory, files, sandbox] }

    private var processor: Finding {
        let cores = coreCount == 1 ? "1 core" : "\(coreCount) cores"
        switch instructionSet {
        case .failure(let error):
            return .problem("processor", "\(error)", "unset TORII_ISA")
        case .success(.scalar):
            return .warning(
                "processor",
                "\(cores), portable kernels only",
                "models run many times slower than on a processor with AVX2"
            )
        case .success(let set): return .fine("processor", "\(cores), \(set.rawValue) kernels")
        }
    }

    private var memory: Finding {
        let text =
            "\(Quantity.bytes(availableByteCount)) of \(Quantity.bytes(totalByteCount)) available"
        guard availableByteCount < Self.usefulByteCount else { return .fine("memory", text) }
        return .warning(
            "memory",
            text,
            "even a model of 0.5 GiB has no room: end other programs, or raise the control group's "
                + "limit"
        )
    }

    /// A small model and the system beside it.
    private static let usefulByteCount = 1 << 30

    private var files: Finding {
        let text = "\(openFileLimit) may be open"
        guard openFileLimit < Self.usefulFileCount else { return .fine("files", text) }
        return .warning(
            "files",
            text,
            "every client takes one: raise the limit (`ulimit -Hn`, LimitNOFILE= of the unit)"
        )
    }

    private static let usefulFileCount = 1024

    private var sandbox: Finding {
        guard !missingSandboxHalves.isEmpty else {
            return .fine("sandbox", "Landlock and seccomp confine each model's process")
        }
        let names = missingSandboxHalves.map(\.rawValue).joined(separator: " and ")
        return .warning(
            "sandbox",
            "the kernel offers no \(names)",
            "use only model files that you trust, or a newer kernel (5.13 has both)"
        )
    }
}

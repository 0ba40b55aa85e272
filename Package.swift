// swift-tools-version: 6.2
import PackageDescription

// Targets are listed leaf first: a target may import only targets above it in this list.
// `Tests/RepositoryTests` checks the order, the build checks that imports match `dependencies`.

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let testSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

/// For what goes through millions of numbers: at -Onone that takes most of the tests' time.
let optimized: [SwiftSetting] = [.unsafeFlags(["-O"])]

func source(
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    settings: [SwiftSetting] = []
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings + settings)
}

/// `golden`: the target's folder has expectations in a sub-folder `Golden`, which tests read in place
/// (`TestSupport.Golden`).
func test(
    _ name: String,
    _ dependencies: [Target.Dependency],
    golden: Bool = false
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        exclude: golden ? ["Golden"] : [],
        swiftSettings: testSettings
    )
}

/// libFuzzer has its own `main`, so its executables exist only for `Tests/run-fuzzers`.
let fuzzers: [Target] =
    Context.environment["TORII_FUZZ"] == nil
    ? []
    : [
        "AnswerParser", "Canary", "ChatTemplate", "GGUF", "Grammar", "JSON", "ModelFolder",
        "RequestParser",
        "ServerSentEvents", "Tokenizer",
        "WorkerProtocol",
    ].map { name in
        .executableTarget(
            name: "Fuzz\(name)",
            dependencies: ["FuzzTargets"],
            path: "Tests/Fuzzers/Fuzz\(name)",
            swiftSettings: testSettings + [.unsafeFlags(["-parse-as-library"])]
        )
    }

let package = Package(
    name: "torii",
    products: [.executable(name: "torii", targets: ["torii"])],
    targets: [
        // Platform
        .target(name: "CLinux"),
        // Kernels are optimised in debug builds too: at -O0 the tests on real models take hours.
        .target(
            name: "CKernels",
            cSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"])]
        ),
        .systemLibrary(
            name: "CSystemd",
            pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]
        ),
        source("Platform", ["CLinux"]),
        source("JSON"),
        source("Telemetry", ["Platform"]),
        source("ComputeTurns", ["Platform"]),

        // Engine
        source("Tensors", settings: optimized),
        source("ModelFiles", ["JSON", "Platform", "Tensors"]),
        source("Tokenizers", ["ModelFiles"]),
        source("ChatTemplates", ["JSON"]),
        source("Kernels", ["CKernels", "Platform", "Tensors"]),
        source("KVCache", ["Platform"]),
        source("Grammars", ["JSON"]),
        source("Sampling", ["CKernels"]),
        source("Transformers", ["Kernels", "KVCache", "ModelFiles", "Platform", "Tensors"]),
        source("WorkerProtocol", ["Grammars", "JSON", "Sampling"]),
        source("Scheduling", ["KVCache", "Platform", "WorkerProtocol"]),
        source(
            "Inference",
            [
                "ChatTemplates", "ComputeTurns", "Grammars", "KVCache", "Platform", "Sampling",
                "Scheduling", "Tokenizers", "Transformers", "WorkerProtocol",
            ]
        ),
        source(
            "Worker",
            [
                "ChatTemplates", "ComputeTurns", "Grammars", "Inference", "JSON", "Kernels",
                "KVCache", "ModelFiles", "Platform", "Scheduling", "Telemetry", "Tensors",
                "Tokenizers", "Transformers", "WorkerProtocol",
            ]
        ),

        // Gateway
        source("HTTP", ["Platform"]),
        source("OpenAIAPI", ["Grammars", "JSON", "Sampling", "WorkerProtocol"]),
        source("APIKeys", ["JSON", "Platform", "WorkerProtocol"]),
        source("ModelService", ["ComputeTurns", "Platform", "Telemetry", "WorkerProtocol"]),
        // openapi.yaml inside the executable.
        .target(name: "CResources"),
        source(
            "Gateway",
            [
                "APIKeys", "CResources", "HTTP", "JSON", "ModelService", "OpenAIAPI", "Platform",
                "Telemetry", "WorkerProtocol",
            ]
        ),
        source(
            "Daemon",
            [
                "APIKeys", "CSystemd", "Gateway", "HTTP", "ModelService", "Platform", "Telemetry",
                "WorkerProtocol",
            ]
        ),
        source(
            "Commands",
            [
                "APIKeys", "Daemon", "HTTP", "JSON", "KVCache", "Kernels", "ModelFiles",
                "ModelService", "Platform", "Sampling", "Telemetry", "Tensors", "Transformers",
                "Worker",
            ]
        ),
        .executableTarget(name: "torii", dependencies: ["Commands"], swiftSettings: swiftSettings),

        // Tests
        .target(
            name: "TestSupport",
            dependencies: ["Tensors"],
            path: "Tests/TestSupport",
            swiftSettings: testSettings + optimized
        ),
        test("PlatformTests", ["Platform", "TestSupport"]),
        test("JSONTests", ["JSON"]),
        test("TelemetryTests", ["Telemetry"]),
        test("ComputeTurnsTests", ["ComputeTurns", "Platform", "TestSupport"]),
        test("TensorsTests", ["Tensors", "TestSupport"], golden: true),
        test("ModelFilesTests", ["ModelFiles", "Platform", "Tensors", "TestSupport"]),
        test(
            "TokenizersTests",
            ["ModelFiles", "Tokenizers", "TestSupport"],
            golden: true
        ),
        test("ChatTemplatesTests", ["ChatTemplates", "JSON", "TestSupport"], golden: true),
        .executableTarget(
            name: "KernelBenchmarks",
            dependencies: [
                "CKernels", "Kernels", "Platform", "Sampling", "Tensors", "TestSupport",
            ],
            path: "Tests/KernelBenchmarks",
            swiftSettings: testSettings
        ),
        test("KernelsTests", ["CKernels", "Kernels", "Platform", "Tensors", "TestSupport"]),
        test(
            "TransformersTests",
            [
                "Kernels", "KVCache", "ModelFiles", "Platform", "Tensors", "Transformers",
                "TestSupport",
            ]
        ),
        test(
            "InferenceTests",
            [
                "ChatTemplates", "Grammars", "Inference", "JSON", "KVCache", "Kernels",
                "ModelFiles",
                "Platform", "Sampling", "Scheduling", "Tokenizers", "Transformers",
                "WorkerProtocol",
                "TestSupport",
            ]
        ),
        test("KVCacheTests", ["KVCache", "Platform", "TestSupport"]),
        test(
            "SchedulingTests",
            ["KVCache", "Platform", "Scheduling", "WorkerProtocol", "TestSupport"]
        ),
        .executableTarget(
            name: "GrammarBenchmarks",
            dependencies: ["Grammars", "JSON", "ModelFiles", "TestSupport", "Tokenizers"],
            path: "Tests/GrammarBenchmarks",
            swiftSettings: testSettings
        ),
        test("GrammarsTests", ["Grammars", "JSON", "TestSupport"], golden: true),
        test("SamplingTests", ["CKernels", "Sampling", "TestSupport"]),
        test(
            "WorkerTests",
            [
                "ChatTemplates", "Grammars", "JSON", "ModelFiles", "Platform", "Sampling",
                "Scheduling", "Tokenizers", "Worker", "WorkerProtocol", "TestSupport",
            ]
        ),
        test(
            "WorkerProtocolTests",
            ["Grammars", "JSON", "Sampling", "WorkerProtocol", "TestSupport"]
        ),
        test("HTTPTests", ["HTTP", "Platform"]),
        test("OpenAIAPITests", ["Grammars", "JSON", "OpenAIAPI", "Sampling", "WorkerProtocol"]),
        test("APIKeysTests", ["APIKeys", "JSON", "Platform", "WorkerProtocol", "TestSupport"]),
        // A worker process without a model, for the tests of what stands in front of one.
        .executableTarget(
            name: "FakeWorker",
            dependencies: ["JSON", "Sampling", "WorkerProtocol"],
            path: "Tests/FakeWorker",
            swiftSettings: testSettings
        ),
        test(
            "ModelServiceTests",
            [
                "FakeWorker", "ModelService", "Platform", "Telemetry", "TestSupport",
                "WorkerProtocol",
            ]
        ),
        test(
            "GatewayTests",
            [
                "APIKeys", "FakeWorker", "Gateway", "HTTP", "JSON", "ModelService", "Platform",
                "Telemetry", "TestSupport",
            ]
        ),
        .executableTarget(
            name: "FakeModelServer",
            dependencies: [
                "FakeWorker", "Gateway", "HTTP", "ModelService", "Platform", "Telemetry",
                "TestSupport",
            ],
            path: "Tests/FakeModelServer",
            swiftSettings: testSettings
        ),
        test(
            "DaemonTests",
            [
                "APIKeys", "Daemon", "FakeWorker", "Gateway", "HTTP", "JSON", "ModelService",
                "Platform", "Telemetry", "TestSupport", "WorkerProtocol",
            ]
        ),
        test(
            "CommandsTests",
            ["APIKeys", "Commands", "Daemon", "JSON", "Kernels", "Platform", "Tensors"]
        ),
        test("EndToEndTests", ["APIKeys", "HTTP", "JSON", "Platform", "TestSupport"]),
        test("RepositoryTests", ["Commands", "Gateway", "HTTP"]),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "ChatTemplates", "Grammars", "HTTP", "JSON", "ModelFiles", "TestSupport",
                "Tokenizers", "WorkerProtocol",
            ],
            path: "Tests/FuzzTargets",
            swiftSettings: testSettings
        ),
        test("FuzzTargetsTests", ["FuzzTargets", "TestSupport"], golden: true),
    ] + fuzzers
)

import Glibc
import JSON
import Kernels
import KVCache
import ModelFiles
import Platform
import Transformers

/// `torii logits MODEL`: whole next-token distributions, for developers who compare engines
/// (`Tests/Peers/compare-distributions`).
enum LogitsCommand {
    static let command = Command(
        specification: CommandSpecification(
            name: "logits",
            summary: "Write the logits of given tokens to a file",
            discussion: """
                For developers. Computes one sequence of tokens, each from those before it, and
                writes row t = the logits behind token t as 32-bit floats [T, V]. Tokens are
                read as 32-bit integers; both files are little-endian. Nothing is added in front.
                """,
            options: [
                .value("--tokens", name: "FILE", help: "the tokens, at most 131,072"),
                .value("--output", name: "FILE", help: "where the logits go; overwritten"),
                .value("--adapter", name: "PATH", help: "a LoRA adapter's file or folder"),
                .value("--batch", name: "N", help: "tokens per forward pass, 512 when not given"),
                BenchCommand.kvTypeOption,
                .value(
                    "--threads",
                    "-t",
                    name: "N",
                    help: "threads; the usable cores when not given"
                ),
            ],
            positionals: [PositionalSpecification(name: "MODEL", help: "path of a .gguf file")],
            isHidden: true
        ),
        run: { arguments, environment in
            guard let tokensPath = arguments.string("--tokens"),
                let output = arguments.string("--output")
            else { throw CommandFailure("name the files with --tokens and --output") }
            let threadCount =
                try arguments.integer("--threads", in: 1...256) ?? ProcessorFacts.usableCoreCount()
            let batchSize =
                try arguments.integer("--batch", in: 1...Transformer.maximumBatchTokenCount)
                ?? Transformer.maximumBatchTokenCount
            let tokens = try readTokens(tokensPath)
            let file = try GGUFFile.open(path: arguments.positional(0) ?? "")
            let pool = try KernelThreadPool(
                threadCount: threadCount,
                instructionSet: try InstructionSet.selected()
            )
            let transformer = try Transformer.load(file, pool: pool, contextLength: tokens.count)
            let vocabularySize = transformer.configuration.vocabularySize
            guard tokens.allSatisfy({ $0 >= 0 && $0 < vocabularySize }) else {
                throw CommandFailure("\(tokensPath) holds numbers outside the vocabulary")
            }
            let blockCount = (tokens.count - 1) / KVStorage.blockTokenCount + 1
            let storage = try transformer.makeStorage(
                blockCount: blockCount,
                type: try BenchCommand.kvType(arguments)
            )
            let adapter = try arguments.string("--adapter").map { path in
                let targets = transformer.adapterTargets
                let file = try GGUFFile.openAdapter(path: path, base: targets.base)
                return try AdapterPlan(file, for: targets).load()
            }
            try write(tokens, batchSize, adapter, by: transformer, storage, to: output)
            let report: JSONValue = [
                "tokens": .integer(tokens.count), "vocabulary": .integer(vocabularySize),
            ]
            environment.terminal.write(report.serialized() + "\n")
            return 0
        }
    )

    private static func readTokens(_ path: String) throws -> [Int32] {
        let bytes = try Files.contents(of: path, maximumByteCount: 131_072 * 4)
        guard !bytes.isEmpty, bytes.count % 4 == 0 else {
            throw CommandFailure("\(path) is no list of 32-bit integers")
        }
        return stride(from: 0, to: bytes.count, by: 4).map { offset in
            (0..<4).reduce(0) {
                $0 | Int32(truncatingIfNeeded: Int(bytes[offset + $1]) << (8 * $1))
            }
        }
    }

    private static func write(
        _ tokens: [Int32],
        _ batchSize: Int,
        _ adapter: Adapter?,
        by transformer: Transformer,
        _ storage: KVStorage,
        to path: String
    ) throws {
        // Safety: the string outlives the call as a NUL-terminated copy; the stream is closed below.
        guard let stream = unsafe fopen(path, "wb") else {
            throw CommandFailure("cannot write \(path): check its folder and your rights")
        }
        defer { unsafe fclose(stream) }
        var position = 0
        while position < tokens.count {
            let end = min(position + batchSize, tokens.count)
            let entry = ForwardBatch.Entry(
                tokens: tokens[position..<end],
                firstPosition: position,
                blockTable: (0..<Int32((end - 1) / KVStorage.blockTokenCount + 1)).map { $0 },
                logits: .all,
                adapter: adapter
            )
            transformer.forward(ForwardBatch(entries: [entry]), cache: storage)
            for row in 0..<(end - position) {
                // Safety: the logits are read before the next forward pass.
                let logits = unsafe transformer.logits(row: row)
                guard unsafe fwrite(logits.baseAddress, 4, logits.count, stream) == logits.count
                else {
                    throw CommandFailure("cannot write \(path): the disk may be full")
                }
            }
            position = end
        }
    }
}

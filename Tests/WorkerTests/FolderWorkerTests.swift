import Foundation
import Glibc
import ModelFiles
import Platform
import TestSupport
import Testing
import WorkerProtocol

@testable import Worker

/// A model that comes as a Hugging Face folder, by way of open descriptors.
@Suite(.timeLimit(.minutes(15)))
struct FolderWorkerTests {
    /// Says how to load the folder at a path, as the gateway does.
    private static func pass(
        _ folder: String,
        to options: inout WorkerLoadOptions
    ) {
        options.modelPath = folder
        options.modelFileNames = TinyFolder.fileNames
        options.modelDescriptors = TinyFolder.fileNames.map {
            Glibc.open("\(folder)/\($0)", O_RDONLY | O_CLOEXEC)
        }
    }

    private static func answer(_ worker: WorkerConversation) throws -> String {
        try worker.send(.generate(WorkerTests.request(1, WorkerTests.chat, limit: 12)))
        return try worker.events(1).reduce(into: "") { text, event in
            if case .delta(let more, _) = event { text += more }
        }
    }

    @Test(arguments: ["qwen2", "llama"])
    func `answers as the GGUF file that is made of it`(architecture: String) throws {
        let directory = try TemporaryDirectory()
        try TinyFolder(architecture: architecture).write(to: directory.path)
        let (folder, facts) = try WorkerConversation.loaded("") {
            Self.pass(directory.path, to: &$0)
        }
        #expect(facts.architecture == architecture)
        #expect(facts.quantization == "F32")
        let path = directory.file("converted.gguf")
        try GGUFFileWriter(GGUFFile.open(path: directory.path)).write(to: path)
        let (file, _) = try WorkerConversation.loaded(path)
        #expect(try Self.answer(folder) == Self.answer(file))
    }

    @Test func `quantises while it loads, within the memory that it asked for`() throws {
        let directory = try TemporaryDirectory()
        try TinyFolder().write(to: directory.path)
        let plain = try WorkerConversation.loaded("") { Self.pass(directory.path, to: &$0) }
        let small = try WorkerConversation.loaded("") {
            Self.pass(directory.path, to: &$0)
            $0.weightType = .q8_0
        }
        #expect(small.facts.quantization == "Q8_0")
        #expect(small.facts.weightByteCount < plain.facts.weightByteCount / 3)
        #expect(try !Self.answer(small.conversation).isEmpty)
    }

    @Test func `serves scattered groups in about the memory of others`() throws {
        let directory = try TemporaryDirectory()
        var style = TinyGroupedMatrix.Style()
        (style.isScattered, style.isSymmetric) = (true, true)
        func weightByteCount(_ style: TinyGroupedMatrix.Style) throws -> Int {
            try TinyFolder(architecture: "llama", groups: style).write(to: directory.path)
            let (folder, facts) = try WorkerConversation.loaded("") {
                Self.pass(directory.path, to: &$0)
            }
            #expect(facts.quantization == "GPTQ 4-bit")
            #expect(try !Self.answer(folder).isEmpty)
            return facts.weightByteCount
        }
        let ordered = try weightByteCount(style)
        style.isScattered = false
        let plain = try weightByteCount(style)
        #expect(ordered > plain && ordered < plain + plain / 20)
    }

    @Test(arguments: [false, true])
    func `answers from GPTQ and AWQ as from the GGUF file that is made of it`(
        isAWQ: Bool
    ) throws {
        let directory = try TemporaryDirectory()
        var style = TinyGroupedMatrix.Style()
        style.isAWQ = isAWQ
        try TinyFolder(architecture: "llama", groups: style).write(to: directory.path)
        let (folder, facts) = try WorkerConversation.loaded("") {
            Self.pass(directory.path, to: &$0)
        }
        #expect(facts.quantization == (isAWQ ? "AWQ 4-bit" : "GPTQ 4-bit"))
        let path = directory.file("converted.gguf")
        try GGUFFileWriter(GGUFFile.open(path: directory.path)).write(to: path)
        let (file, _) = try WorkerConversation.loaded(path)
        #expect(try Self.answer(folder) == Self.answer(file))
    }
}

import Foundation
import Glibc
import Platform
import Sampling
import TestSupport
import Testing
import WorkerProtocol

/// Real worker processes, locked in as the gateway has them.
@Suite(.timeLimit(.minutes(15)))
struct LockedInWorkerTests {
    /// The facts of the model, or why it was not loaded.
    private static func load(
        _ worker: WorkerProcessConversation
    ) throws -> Result<ModelFacts, Refusal> {
        while let message = try worker.next() {
            if case .ready(let facts) = message { return .success(facts) }
            if case .loadFailed(let reason) = message { return .failure(Refusal(reason: reason)) }
        }
        return .failure(Refusal(reason: "the worker ended"))
    }

    private struct Refusal: Error { let reason: String }

    private static func answer(_ worker: WorkerProcessConversation, id: UInt64) throws -> String {
        let chat = ChatPrompt(messages: [["role": "user", "content": "Tell me about rivers."]])
        try worker.send(
            .generate(
                GenerationRequest(
                    id: id,
                    prompt: .chat(chat),
                    sampling: SamplingParameters(seed: 1),
                    maximumOutputTokens: 24,
                    ignoresEndOfGeneration: true
                )
            )
        )
        var events: [GenerationEvent] = []
        while events.last?.isLast != true, let message = try worker.next() {
            if case .event(_, let event) = message { events.append(event) }
        }
        return events.text
    }

    private static func copy(
        of model: TestModels,
        in directory: TemporaryDirectory
    ) throws -> String {
        let path = directory.file("copy.gguf")
        try FileManager.default.copyItem(atPath: TestModels.path(of: model), toPath: path)
        return path
    }

    @Test func `both locks hold on every thread of a worker that serves`() throws {
        let path = try TestModels.path(of: .smolLM2)
        let worker = try WorkerProcessConversation(
            WorkerLoadOptions(modelPath: path, threadCount: 2),
            sandbox: .required
        )
        #expect(try Self.load(worker).get().sandbox == "landlock+seccomp")
        let text = try Self.answer(worker, id: 1)
        #expect(!text.isEmpty)
        let folder = "/proc/\(worker.child.pid)"
        let threads = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/task")
        #expect(threads.count >= 4)
        for thread in threads {
            let status = try Files.text(of: "\(folder)/task/\(thread)/status")
            #expect(status.contains("\nSeccomp:\t2\n") && status.contains("\nNoNewPrivs:\t1\n"))
        }
        // The model has been read; nothing of it is open any more.
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/fd")
        let targets = descriptors.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/fd/\($0)")
        }
        #expect(!targets.contains { $0.contains(".gguf") }, "\(targets)")
        #expect(try Files.text(of: "\(folder)/oom_score_adj") == "500\n")
        let limits = try Files.text(of: "\(folder)/limits")
        #expect(limits.contains(/Max core file size +0 +0/))
        #expect(worker.end() == .exited(code: 0))

        let open = try WorkerProcessConversation(
            WorkerLoadOptions(modelPath: path, threadCount: 2),
            sandbox: .off
        )
        #expect(try Self.load(open).get().sandbox == "none")
        #expect(try Self.answer(open, id: 1) == text)
        #expect(open.end() == .exited(code: 0))
    }

    @Test func `a file that is cut while it is resident changes nothing`() throws {
        let directory = try TemporaryDirectory()
        let path = try Self.copy(of: .smolLM2, in: directory)
        let worker = try WorkerProcessConversation(WorkerLoadOptions(modelPath: path))
        _ = try Self.load(worker).get()
        let text = try Self.answer(worker, id: 1)
        #expect(truncate(path, 0) == 0)
        #expect(try Self.answer(worker, id: 2) == text)
        #expect(worker.end() == .exited(code: 0))
    }

    @Test func `a file that is cut while it is loaded is refused with the reason`() throws {
        let directory = try TemporaryDirectory()
        let path = try Self.copy(of: .smolLM2, in: directory)
        let worker = try WorkerProcessConversation(
            WorkerLoadOptions(modelPath: path, threadCount: 1)
        )
        var reason: String?
        while reason == nil, let message = try worker.next() {
            switch message {
            case .loading: truncate(path, 1 << 20)
            case .loadFailed(let text): reason = text
            case .ready: reason = "loaded"
            default: break
            }
        }
        #expect(reason?.contains("changed while it was read") == true, "\(reason ?? "")")
        #expect(worker.end() == .exited(code: 0))
    }
}

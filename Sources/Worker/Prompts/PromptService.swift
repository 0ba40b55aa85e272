import ChatTemplates
import Grammars
import Inference
import WorkerProtocol

/// What the reading thread does with requests once the model is loaded.
///
/// Safe from any thread.
final class PromptService: Sendable {
    private let encoder: PromptEncoder
    private let constraints: ConstraintCache
    private let mailbox: EngineMailbox
    private let outbox: Outbox
    /// What can be asked of the model.
    private let task: ModelTask
    /// What can be added to it.
    let adapters: AdapterShelf

    init(
        encoder: PromptEncoder,
        task: ModelTask,
        adapters: AdapterShelf,
        mailbox: EngineMailbox,
        outbox: Outbox
    ) {
        self.encoder = encoder
        self.task = task
        self.adapters = adapters
        constraints = ConstraintCache(tokenizer: encoder.tokenizer)
        self.mailbox = mailbox
        self.outbox = outbox
    }

    /// Encodes a prompt, compiles what constrains the output, and leaves both for the engine; what
    /// goes wrong is an event.
    func generate(_ request: GenerationRequest) {
        do throws(GenerationFailure) {
            guard task == .generate else { throw .wrongTask(.generate, of: task) }
            let adapter = try adapter(request.adapter)
            var prompt = try encoder.encode(
                request.prompt,
                constraint: request.constraint,
                now: LocalTime.now()
            )
            let constraint = try compile(&prompt)
            let generation = Generation(
                request: request,
                promptTokens: prompt.tokens,
                predictedTokens: request.prediction.map {
                    encoder.encode($0, specialTokens: false, addsBeginningToken: false)
                } ?? [],
                constraint: constraint,
                answer: prompt.answer,
                adapter: adapter
            )
            guard mailbox.submit(generation) else { throw Self.overloaded }
        } catch {
            outbox.send(.event(id: request.id, .failed(error)))
        }
    }

    /// Encodes the texts of an embedding and leaves them for the engine; what goes wrong is an event.
    func embed(_ request: EmbeddingRequest) {
        do throws(GenerationFailure) {
            let wanted = request.work.task
            guard task == wanted else { throw .wrongTask(wanted, of: task) }
            let embedding = Embedding(
                request: request,
                texts: encoder.encode(request.work),
                adapter: try adapter(request.adapter)
            )
            guard mailbox.submit(embedding) else { throw Self.overloaded }
        } catch {
            outbox.send(.event(id: request.id, .failed(error)))
        }
    }

    private func adapter(_ name: String?) throws(GenerationFailure) -> AttachedAdapter? {
        guard let name else { return nil }
        return try adapters.adapter(named: name)
    }

    private static let overloaded = GenerationFailure(
        kind: .overloaded(.unmeasured),
        message: "Too many requests wait for this model; send it again later."
    )

    /// The constraint of a prompt's output; where nobody asked for one, a constraint that cannot be
    /// followed is left out.
    private func compile(
        _ prompt: inout EncodedPrompt
    ) throws(GenerationFailure) -> TokenConstraint? {
        guard let expression = prompt.constraint else { return nil }
        do throws(GenerationFailure) {
            return try constraints.constraint(for: expression)
        } catch {
            guard let fallback = prompt.fallback else { throw error }
            prompt.answer = fallback
            return nil
        }
    }

    /// The answer to a question; other messages are not asked here.
    func answer(_ message: GatewayMessage, id: UInt64) -> WorkerMessage {
        do throws(GenerationFailure) {
            switch message {
            case .tokenize(_, let text, let specialTokens, let addsBeginningToken):
                return .tokens(
                    id: id,
                    encoder.encode(
                        text,
                        specialTokens: specialTokens,
                        addsBeginningToken: addsBeginningToken
                    )
                )
            case .detokenize(_, let tokens):
                return .text(id: id, try encoder.detokenize(tokens))
            case .pieces(_, let tokens):
                return .pieces(id: id, try encoder.pieces(of: tokens))
            case .applyTemplate(_, let chat):
                return .text(id: id, try encoder.render(chat, now: LocalTime.now()).text)
            case .countTokens(_, let prompt):
                let encoded = try encoder.encode(prompt, now: LocalTime.now())
                return .tokenCount(id: id, encoded.tokens.count)
            case .load, .memoryReserved, .generate, .embed, .cancel, .memoryGranted, .memoryNeeded,
                .attachAdapter, .adapterReserved, .detachAdapter, .stop:
                preconditionFailure("only questions are answered")
            }
        } catch {
            return .requestFailed(id: id, error)
        }
    }
}

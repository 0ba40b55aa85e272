import ChatTemplates
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

    init(encoder: PromptEncoder, mailbox: EngineMailbox, outbox: Outbox) {
        self.encoder = encoder
        constraints = ConstraintCache(tokenizer: encoder.tokenizer)
        self.mailbox = mailbox
        self.outbox = outbox
    }

    /// Encodes a prompt, compiles what constrains the output, and leaves both for the engine; what
    /// goes wrong is an event.
    func generate(_ request: GenerationRequest) {
        do throws(GenerationFailure) {
            let prompt = try encoder.encode(
                request.prompt,
                constraint: request.constraint,
                now: LocalTime.now()
            )
            let constraint = try prompt.constraint.map { expression throws(GenerationFailure) in
                try constraints.constraint(for: expression)
            }
            let generation = Generation(
                request: request,
                promptTokens: prompt.tokens,
                constraint: constraint,
                answer: prompt.answer
            )
            guard mailbox.submit(generation) else {
                throw GenerationFailure(
                    kind: .overloaded(.unmeasured),
                    message: "Too many requests wait for this model; send it again later."
                )
            }
        } catch {
            outbox.send(.event(id: request.id, .failed(error)))
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
            case .applyTemplate(_, let chat):
                return .text(id: id, try encoder.render(chat, now: LocalTime.now()).text)
            case .load, .memoryReserved, .generate, .cancel, .memoryGranted, .memoryNeeded, .stop:
                preconditionFailure("only questions are answered")
            }
        } catch {
            return .requestFailed(id: id, error)
        }
    }
}

import ChatTemplates
import Inference
import WorkerProtocol

/// What the reading thread does with requests once the model is loaded.
///
/// Safe from any thread.
final class PromptService: Sendable {
    private let encoder: PromptEncoder
    private let mailbox: EngineMailbox
    private let outbox: Outbox

    init(encoder: PromptEncoder, mailbox: EngineMailbox, outbox: Outbox) {
        self.encoder = encoder
        self.mailbox = mailbox
        self.outbox = outbox
    }

    /// Encodes a prompt and leaves it for the engine; what goes wrong is an event.
    func generate(_ request: GenerationRequest) {
        do throws(GenerationFailure) {
            let tokens = try encoder.encode(request.prompt, now: LocalTime.now())
            guard mailbox.submit(Generation(request: request, promptTokens: tokens)) else {
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

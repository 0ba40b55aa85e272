import HTTP
import JSON
import ModelService
import OpenAIAPI
import WorkerProtocol

// llama-server's small endpoints about text and tokens.
extension Gateway {
    /// `POST /tokenize`.
    func tokenize(
        _ request: HTTPRequest,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Reply {
        let parsed = try TokenizeRequest.parse(try json(request))
        let lease = try await lease(parsed.model, &record)
        do throws(GenerationFailure) {
            let tokens = try await lease.tokenize(
                parsed.text,
                specialTokens: parsed.parsesSpecialTokens,
                addsBeginningToken: parsed.addsBeginningToken
            )
            let pieces = parsed.wantsPieces ? try await lease.pieces(of: tokens) : nil
            return .json([
                "tokens": TokenizeRequest.json(tokens: tokens, pieces: pieces),
                "count": .integer(tokens.count),
                "max_model_len": .integer(lease.facts.contextLength),
            ])
        } catch {
            throw APIError(error, parameter: "content")
        }
    }

    /// `POST /detokenize`.
    func detokenize(
        _ request: HTTPRequest,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Reply {
        let parsed = try DetokenizeRequest.parse(try json(request))
        let lease = try await lease(parsed.model, &record)
        do throws(GenerationFailure) {
            return .json(["content": .string(try await lease.detokenize(parsed.tokens))])
        } catch {
            throw APIError(error, parameter: "tokens")
        }
    }

    /// `POST /apply-template`.
    func applyTemplate(
        _ request: HTTPRequest,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Reply {
        let (lease, conversation) = try await conversation(request, &record)
        do throws(GenerationFailure) {
            return .json(["prompt": .string(try await lease.applyTemplate(conversation))])
        } catch {
            throw APIError(error, parameter: "messages")
        }
    }

    /// `POST /v1/chat/completions/input_tokens`.
    func countInputTokens(
        _ request: HTTPRequest,
        _ record: inout RequestRecord
    ) async throws(APIError) -> Reply {
        let (lease, conversation) = try await conversation(request, &record)
        do throws(GenerationFailure) {
            return .json([
                "object": "response.input_tokens",
                "input_tokens": .integer(try await lease.countTokens(of: .chat(conversation))),
            ])
        } catch {
            throw APIError(error, parameter: "messages")
        }
    }

    /// A lease on the model that a request names, and its conversation with the model's defaults.
    private func conversation(
        _ request: HTTPRequest,
        _ record: inout RequestRecord
    ) async throws(APIError) -> (ModelLease, ChatPrompt) {
        let parsed = try TemplateRequest.parse(try json(request))
        let lease = try await lease(parsed.model, &record)
        let defaults = await service.requestDefaults(for: record.model)
        return (lease, defaults.completing(parsed.conversation))
    }

    /// The name that was given, or that of the only model there is.
    func modelName(_ name: String?) async throws(APIError) -> String {
        if let name { return name }
        let entries = await service.catalog().filter { $0.variantOf == nil }
        guard let only = entries.first, entries.count == 1 else {
            throw .invalidRequest(
                "Missing required parameter: 'model'. This server has \(entries.count) models.",
                parameter: "model",
                code: "missing_required_parameter"
            )
        }
        return only.id
    }

    /// A lease on the named model, or on the only one there is when the request names none, as
    /// llama-server's clients do.
    private func lease(
        _ name: String?,
        _ record: inout RequestRecord
    ) async throws(APIError) -> ModelLease {
        let named = try await modelName(name)
        record.model = named
        do throws(ModelServiceError) {
            let lease = try await service.lease(named)
            record.modelID = lease.model
            return lease
        } catch {
            throw APIError(error)
        }
    }
}

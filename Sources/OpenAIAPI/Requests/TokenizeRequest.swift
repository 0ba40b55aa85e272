package import JSON

/// A checked `POST /tokenize` request, in llama-server's form or vLLM's.
package struct TokenizeRequest: Sendable, Hashable {
    /// The model's name; nil means the only one there is.
    package var model: String?
    /// The text (`content`, or vLLM's `prompt`).
    package var text: String
    /// Whether the beginning token comes first (`add_special`, vLLM's `add_special_tokens`).
    package var addsBeginningToken: Bool
    /// Whether names of control tokens in the text become those tokens (`parse_special`).
    package var parsesSpecialTokens: Bool
    /// Whether each token's text comes with it (`with_pieces`).
    package var wantsPieces: Bool

    /// Reads and checks a request body; throws 400 with the `param` that is wrong.
    package static func parse(_ body: JSONValue) throws(APIError) -> TokenizeRequest {
        let reader = try ParameterReader(body: body)
        let prompt = try reader.string("prompt")
        guard let text = try reader.string("content") ?? prompt else { throw .missing("content") }
        let isVLLM = prompt != nil
        let older = try reader.bool("add_special_tokens")
        return TokenizeRequest(
            model: try reader.string("model"),
            text: text,
            addsBeginningToken: try reader.bool("add_special") ?? older ?? isVLLM,
            parsesSpecialTokens: try reader.bool("parse_special") ?? true,
            wantsPieces: try reader.bool("with_pieces") ?? false
        )
    }

    /// The answer's `tokens`: ids, or with pieces objects of `id` and `piece`, which is a text, or an
    /// array of bytes where the token alone isn't one (as llama-server has it).
    package static func json(tokens: [Int32], pieces: [[UInt8]]?) -> JSONValue {
        guard let pieces else { return .array(tokens.map { .integer(Int($0)) }) }
        return .array(
            zip(tokens, pieces).map { token, bytes in
                let text = String(validating: bytes, as: UTF8.self).map { JSONValue.string($0) }
                return [
                    "id": .integer(Int(token)),
                    "piece": text ?? .array(bytes.map { .integer(Int($0)) }),
                ]
            }
        )
    }
}

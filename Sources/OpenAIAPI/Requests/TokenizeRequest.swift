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

    /// Reads and checks a request body; throws 400 with the `param` that is wrong.
    package static func parse(_ body: JSONValue) throws(APIError) -> TokenizeRequest {
        let reader = try ParameterReader(body: body)
        let prompt = try reader.string("prompt")
        guard let text = try reader.string("content") ?? prompt else { throw .missing("content") }
        let isVLLM = prompt != nil
        if try reader.bool("with_pieces") == true {
            throw .unsupported("with_pieces", reason: "is not supported; use /detokenize")
        }
        let older = try reader.bool("add_special_tokens")
        return TokenizeRequest(
            model: try reader.string("model"),
            text: text,
            addsBeginningToken: try reader.bool("add_special") ?? older ?? isVLLM,
            parsesSpecialTokens: try reader.bool("parse_special") ?? true
        )
    }
}

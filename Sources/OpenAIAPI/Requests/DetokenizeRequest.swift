package import JSON

/// A checked `POST /detokenize` request.
package struct DetokenizeRequest: Sendable, Hashable {
    /// The model's name; nil means the only one there is.
    package var model: String?
    /// The token ids, 0 or more each.
    package var tokens: [Int32]

    /// Reads and checks a request body; throws 400 with the `param` that is wrong.
    package static func parse(_ body: JSONValue) throws(APIError) -> DetokenizeRequest {
        let reader = try ParameterReader(body: body)
        let ids = try reader.required("tokens", try reader.array("tokens"))
        return DetokenizeRequest(
            model: try reader.string("model"),
            tokens: try reader.tokens(ids, path: "tokens")
        )
    }
}

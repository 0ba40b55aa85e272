package import JSON
package import WorkerProtocol

/// A checked `POST /v1/embeddings` request (OpenAI's `CreateEmbeddingRequest`).
package struct EmbeddingsRequest: Sendable, Hashable {
    /// How vectors are written.
    package enum Encoding: String, Sendable, Hashable, CaseIterable {
        /// An array of numbers.
        case float
        /// The components as little-endian 32-bit floats, in base64; what OpenAI's own clients ask
        /// for when their user asked for nothing.
        case base64
    }

    /// The model's name as the client wrote it; answers echo it.
    package var model: String
    /// What vectors are made of, 1...2,048; none of them empty.
    package var inputs: [EmbeddingRequest.Input]
    /// Whether they came as a list; otherwise it is one.
    package var isList: Bool
    /// How vectors are written.
    package var encoding: Encoding
    /// Components of a vector, 1...; nil: as many as the model gives.
    package var dimensionCount: Int?
    /// The end user as the client names one.
    package var user: String?
    /// How long the model may be idle afterwards, as the client wrote it (Ollama's `keep_alive`).
    package var keepAlive: String?
    /// Names of unknown members, in the order of the request, for `x-ignored-params`.
    package var ignoredParameters: [String]

    /// Every member of OpenAI's `CreateEmbeddingRequest`, and what clients of others send.
    package static let fields = RequestFieldTable(
        RequestField.honoured(
            "model",
            "input",
            "encoding_format",
            "dimensions",
            "user",
            "keep_alive"
        ),
        RequestField.refused(
            "truncate_prompt_tokens",
            reason: "is not supported: a text that is longer than the model's context is refused, "
                + "so that nothing of it is lost unnoticed"
        ),
        RequestField.refused(
            "embd_normalize",
            harmless: [2],
            reason: "is not supported: vectors have the length 1"
        )
    )

    /// Reads and checks a request body.
    ///
    /// - Throws: 400 whose `param` names the first member that is wrong or cannot be honoured.
    package static func parse(
        _ body: JSONValue,
        limits: RequestLimits = RequestLimits()
    ) throws(APIError) -> EmbeddingsRequest {
        let reader = try ParameterReader(body: body)
        let ignored = try fields.check(reader.object)
        let (inputs, isList) = try inputs(reader, limits: limits)
        return EmbeddingsRequest(
            model: try reader.required("model", try reader.string("model")),
            inputs: inputs,
            isList: isList,
            encoding: try encoding(reader),
            dimensionCount: try reader.integer("dimensions", in: 1...Int(Int32.max)),
            user: try reader.string("user"),
            keepAlive: try reader.keepAlive(),
            ignoredParameters: ignored
        )
    }

    private static func encoding(_ reader: ParameterReader) throws(APIError) -> Encoding {
        guard let name = try reader.string("encoding_format") else { return .float }
        guard let encoding = Encoding(rawValue: name) else {
            throw .unsupportedValue(
                "encoding_format",
                reason: "expected 'float' or 'base64', but got '\(name.prefix(64))'"
            )
        }
        return encoding
    }

    // MARK: Input

    /// A string, an array of strings, an array of token ids, or an array of such arrays.
    private static func inputs(
        _ reader: ParameterReader,
        limits: RequestLimits
    ) throws(APIError) -> (inputs: [EmbeddingRequest.Input], isList: Bool) {
        guard let value = reader.value("input") else { throw .missing("input") }
        switch value {
        case .string(let text):
            return ([try input(text, path: "input")], false)
        case .array(let elements):
            guard let first = elements.first else { throw .emptyArray("input") }
            if first.intValue != nil {
                return ([.tokens(try reader.tokens(elements, path: "input"))], false)
            }
            guard elements.count <= limits.maximumInputCount else {
                throw .tooManyElements("input", elements.count, limit: limits.maximumInputCount)
            }
            var inputs: [EmbeddingRequest.Input] = []
            for (index, element) in elements.enumerated() {
                inputs.append(try input(element, path: "input[\(index)]", reader))
            }
            return (inputs, true)
        default:
            throw .invalidType("input", expected: "a string or an array", value: value)
        }
    }

    private static func input(
        _ value: JSONValue,
        path: String,
        _ reader: ParameterReader
    ) throws(APIError) -> EmbeddingRequest.Input {
        switch value {
        case .string(let text): return try input(text, path: path)
        case .array(let ids):
            guard !ids.isEmpty else { throw .emptyArray(path) }
            return .tokens(try reader.tokens(ids, path: path))
        default:
            throw .invalidType(
                path,
                expected: "a string or an array of token ids",
                value: value
            )
        }
    }

    private static func input(
        _ text: String,
        path: String
    ) throws(APIError) -> EmbeddingRequest.Input {
        guard !text.isEmpty else { throw .emptyString(path) }
        return .text(text)
    }
}

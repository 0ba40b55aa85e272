package import JSON

/// A checked `POST /v1/rerank` request, in the form that Jina, Cohere and llama-server share, or in
/// that of Hugging Face's text-embeddings-inference (`texts` in the place of `documents`).
package struct RerankRequest: Sendable, Hashable {
    /// The model's name; nil means the only one there is.
    package var model: String?
    /// What the documents are to answer; not empty.
    package var query: String
    /// The documents, 1...2,048; none of them empty.
    package var documents: [String]
    /// How many of the best are returned; nil: all.
    package var topCount: Int?
    /// Whether the results repeat the documents.
    package var returnsDocuments: Bool
    /// Whether the answer is the bare list that text-embeddings-inference gives.
    package var isBareList: Bool
    /// How long the model may be idle afterwards, as the client wrote it (Ollama's `keep_alive`).
    package var keepAlive: String?
    /// Names of unknown members, in the order of the request, for `x-ignored-params`.
    package var ignoredParameters: [String]

    /// The members of all these forms.
    package static let fields = RequestFieldTable(
        RequestField.honoured(
            "model",
            "query",
            "documents",
            "texts",
            "top_n",
            "return_documents",
            "return_text",
            "keep_alive"
        ),
        RequestField.refused(
            "raw_scores",
            harmless: [false],
            reason: "is not supported: scores lie between 0 and 1"
        )
    )

    /// Reads and checks a request body; throws 400 with the `param` that is wrong.
    package static func parse(
        _ body: JSONValue,
        limits: RequestLimits = RequestLimits()
    ) throws(APIError) -> RerankRequest {
        let reader = try ParameterReader(body: body)
        let ignored = try fields.check(reader.object)
        let query = try reader.required("query", try reader.string("query"))
        guard !query.isEmpty else { throw .emptyString("query") }
        let isBareList = reader.value("texts") != nil
        let name = isBareList ? "texts" : "documents"
        let elements = try reader.required(name, try reader.array(name))
        guard !elements.isEmpty else { throw .emptyArray(name) }
        guard elements.count <= limits.maximumInputCount else {
            throw .tooManyElements(name, elements.count, limit: limits.maximumInputCount)
        }
        var documents: [String] = []
        for (index, element) in elements.enumerated() {
            documents.append(try document(element, path: "\(name)[\(index)]"))
        }
        return RerankRequest(
            model: try reader.string("model"),
            query: query,
            documents: documents,
            topCount: try reader.integer("top_n", in: 1...Int(Int32.max)),
            returnsDocuments: try reader.bool(isBareList ? "return_text" : "return_documents")
                ?? false,
            isBareList: isBareList,
            keepAlive: try reader.keepAlive(),
            ignoredParameters: ignored
        )
    }

    /// A string, or an object with it as `text`.
    private static func document(_ value: JSONValue, path: String) throws(APIError) -> String {
        guard let text = value.stringValue ?? value["text"]?.stringValue else {
            throw .invalidType(
                path,
                expected: "a string or an object with a string 'text'",
                value: value
            )
        }
        guard !text.isEmpty else { throw .emptyString(path) }
        return text
    }
}

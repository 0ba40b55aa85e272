package import JSON

/// The answer of `POST /v1/rerank`.
package struct RerankResponse: Sendable, Hashable {
    /// What was asked.
    package var request: RerankRequest
    /// The model's name as the client wrote it, or its id.
    package var model: String

    /// Makes an answer's form.
    package init(request: RerankRequest, model: String) {
        self.request = request
        self.model = model
    }

    /// The whole answer, the best document first; of equals the earlier one.
    ///
    /// - Parameters:
    ///   - scores: How well each document answers the query, in the order of the documents, 0...1.
    ///   - tokenCount: Tokens of all pairs of query and document.
    /// - Returns: The object, or the bare list that was asked for.
    package func json(scores: [Float], tokenCount: Int) -> JSONValue {
        let order = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
        let results = order.prefix(request.topCount ?? order.count).map { result($0, scores[$0]) }
        if request.isBareList { return .array(results) }
        return [
            "object": "list",
            "model": .string(model),
            "results": .array(results),
            "usage": [
                "prompt_tokens": .integer(tokenCount), "total_tokens": .integer(tokenCount),
            ],
        ]
    }

    private func result(_ index: Int, _ score: Float) -> JSONValue {
        // By way of its text: the nearest double of a float's digits has no more digits.
        let value = Double(score.description) ?? Double(score)
        let text = JSONValue.string(request.documents[index])
        if request.isBareList {
            var object: JSONObject = ["index": .integer(index), "score": .double(value)]
            if request.returnsDocuments { object["text"] = text }
            return .object(object)
        }
        var object: JSONObject = ["index": .integer(index), "relevance_score": .double(value)]
        if request.returnsDocuments { object["document"] = ["text": text] }
        return .object(object)
    }
}

import Foundation
import JSON
import OpenAIAPI
import Testing

@Suite struct EmbeddingsResponseTests {
    @Test func `writes OpenAI's list with numbers that read as the same floats`() throws {
        let vectors: [[Float]] = [[0.1, -2.5e-08, 1], [0, -0.33333334, 1e-38]]
        let answer = try json(EmbeddingsResponse(model: "a\"b", encoding: .float), vectors)
        #expect(answer["object"] == "list" && answer["model"] == "a\"b")
        #expect(answer["usage"] == ["prompt_tokens": 9, "total_tokens": 9])
        let data = try #require(answer["data"]?.arrayValue)
        #expect(data.map { $0["object"] } == ["embedding", "embedding"])
        #expect(data.map { $0["index"] } == [0, 1])
        for (element, vector) in zip(data, vectors) {
            let numbers = try #require(element["embedding"]?.arrayValue)
            #expect(numbers.map { $0.doubleValue.map { Float($0) } } == vector)
        }
        // As short as can be: not the digits of the nearest double.
        #expect(text(EmbeddingsResponse(model: "m", encoding: .float), [[0.1]]).contains("[0.1]"))
    }

    @Test(arguments: 0...5)
    func `writes base64 of little-endian floats`(_ count: Int) throws {
        let vector = (0..<count).map { Float($0) / 3 - 0.5 }
        let response = EmbeddingsResponse(model: "m", encoding: .base64)
        let answer = try json(response, [vector])
        let text = try #require(answer["data"]?[0]?["embedding"]?.stringValue)
        let bytes = try #require(Data(base64Encoded: text))
        #expect(bytes.count == 4 * count)
        let floats = (0..<count).map { index in
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * index + $1]) << (8 * $1) }
            return Float(bitPattern: bits)
        }
        #expect(floats == vector)
    }

    @Test func `cuts vectors to the wanted dimensions and makes them of length 1 again`() {
        let vector: [Float] = [0.48, 0.64, 0.6]
        #expect(EmbeddingsResponse.shortened(vector, to: 2) == [0.6, 0.8])
        #expect(EmbeddingsResponse.shortened(vector, to: 3) == vector)
        #expect(EmbeddingsResponse.shortened(vector, to: 9) == vector)
        #expect(EmbeddingsResponse.shortened([0, 0, 1], to: 2) == [0, 0])
    }

    @Test func `orders documents by score, equals by their place`() throws {
        let request = try RerankRequest.parse([
            "model": "m", "query": "q", "documents": ["a", ["text": "b"], "c", "d"], "top_n": 3,
            "return_documents": true,
        ])
        let answer = RerankResponse(request: request, model: "m").json(
            scores: [0.25, 0.1, 0.9, 0.25],
            tokenCount: 12
        )
        #expect(answer["model"] == "m" && answer["usage"]?["total_tokens"] == 12)
        let results = try #require(answer["results"]?.arrayValue)
        #expect(results.map { $0["index"] } == [2, 0, 3])
        #expect(results.map { $0["relevance_score"] } == [0.9, 0.25, 0.25])
        #expect(results[0]["document"] == ["text": "c"])
    }

    @Test func `answers text-embeddings-inference's form with a bare list`() throws {
        let request = try RerankRequest.parse(["query": "q", "texts": ["a", "b"]])
        let answer = RerankResponse(request: request, model: "m").json(
            scores: [0.1, 0.2],
            tokenCount: 5
        )
        #expect(answer == [["index": 1, "score": 0.2], ["index": 0, "score": 0.1]])
    }

    @Test(arguments: [
        ("\"documents\":[\"a\"]", "query"), ("\"query\":\"\",\"documents\":[\"a\"]", "query"),
        ("\"query\":\"q\"", "documents"), ("\"query\":\"q\",\"documents\":[]", "documents"),
        ("\"query\":\"q\",\"documents\":\"a\"", "documents"),
        ("\"query\":\"q\",\"documents\":[{}]", "documents[0]"),
        ("\"query\":\"q\",\"documents\":[\"a\",\"\"]", "documents[1]"),
        ("\"query\":\"q\",\"texts\":[1]", "texts[0]"),
        ("\"query\":\"q\",\"documents\":[\"a\"],\"top_n\":0", "top_n"),
        ("\"query\":\"q\",\"texts\":[\"a\"],\"raw_scores\":true", "raw_scores"),
    ])
    func `refuses a wrong rerank request and names the place`(
        _ members: String,
        _ parameter: String
    ) {
        let error = #expect(throws: APIError.self) {
            try RerankRequest.parse(JSONValue.parse("{\"model\":\"m\",\(members)}"))
        }
        #expect(error?.status == 400)
        #expect(error?.parameter == parameter)
    }

    private func text(_ response: EmbeddingsResponse, _ vectors: [[Float]]) -> String {
        String(decoding: response.bytes(vectors: vectors, tokenCount: 9), as: UTF8.self)
    }

    private func json(_ response: EmbeddingsResponse, _ vectors: [[Float]]) throws -> JSONValue {
        try JSONValue.parse(text(response, vectors))
    }
}

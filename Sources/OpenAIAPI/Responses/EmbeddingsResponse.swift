import FoundationEssentials
import JSON

/// The answer of `POST /v1/embeddings` (OpenAI's `CreateEmbeddingResponse`), written as JSON text at
/// once: as JSON values the numbers would take ten times their memory.
package struct EmbeddingsResponse: Sendable, Hashable {
    /// The model's name as the client wrote it.
    package var model: String
    /// How vectors are written.
    package var encoding: EmbeddingsRequest.Encoding
    /// Components that are kept of each vector; nil: all.
    package var dimensionCount: Int?

    /// Makes an answer's form.
    package init(model: String, encoding: EmbeddingsRequest.Encoding, dimensionCount: Int? = nil) {
        self.model = model
        self.encoding = encoding
        self.dimensionCount = dimensionCount
    }

    /// The whole answer as UTF-8 bytes of JSON text.
    ///
    /// - Parameters:
    ///   - vectors: `[inputs][E]`, in the order of the inputs; all components finite.
    ///   - tokenCount: Tokens of all inputs.
    /// - Returns: The text. Components have as many digits as tell apart their 32-bit floats.
    package func bytes(vectors: [[Float]], tokenCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(vectors.reduce(256) { $0 + 64 + 13 * $1.count })
        bytes += Array("{\"object\":\"list\",\"data\":[".utf8)
        for (index, vector) in vectors.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += Array("{\"object\":\"embedding\",\"index\":\(index),\"embedding\":".utf8)
            let kept = dimensionCount.map { Self.shortened(vector, to: $0) } ?? vector
            switch encoding {
            case .float: Self.append(kept, to: &bytes)
            case .base64:
                bytes.append(UInt8(ascii: "\""))
                bytes += Data(Self.littleEndianBytes(kept)).base64EncodedData()
                bytes.append(UInt8(ascii: "\""))
            }
            bytes.append(UInt8(ascii: "}"))
        }
        let usage = "\"usage\":{\"prompt_tokens\":\(tokenCount),\"total_tokens\":\(tokenCount)}"
        bytes += Array("],\"model\":\(JSONValue.string(model).serialized()),\(usage)}".utf8)
        return bytes
    }

    /// The first components of a vector, scaled so that their length is 1 (as OpenAI documents
    /// `dimensions`); a vector of zeros stays one.
    package static func shortened(_ vector: [Float], to count: Int) -> [Float] {
        guard count < vector.count else { return vector }
        let kept = vector.prefix(count)
        let length = kept.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length > 0 else { return Array(kept) }
        return kept.map { Float(Double($0) / length) }
    }

    private static func append(_ vector: [Float], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, value) in vector.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            // The shortest text that reads as this 32-bit float again; JSON's syntax.
            bytes += value.description.utf8
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func littleEndianBytes(_ vector: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * vector.count)
        for value in vector {
            let bits = value.bitPattern
            for shift in [0, 8, 16, 24] as [UInt32] {
                bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        }
        return bytes
    }
}

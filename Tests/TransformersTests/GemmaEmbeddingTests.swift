import Kernels
import ModelFiles
import TestSupport
import Testing
import Transformers

/// What EmbeddingGemma does differently from Gemma 3, whose arithmetic the reference covers.
@Suite(.timeLimit(.minutes(15))) struct GemmaEmbeddingTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A tiny Gemma 3 in F32, under the embedder's name or its own.
    private func load(
        isEmbedder: Bool = true,
        layerCount: Int = 1,
        window: UInt32 = 6,
        changing change: (inout GGUFWriter) -> Void = { _ in }
    ) throws -> Transformer {
        var model = TinyModel()
        model.architecture = "gemma3"
        model.types = [.f32]
        model.layerCount = layerCount
        model.isTied = true
        let file = try TransformerHarness.open(model, in: directory) { writer in
            writer.metadata.removeAll { $0.key.contains("sliding_window") }
            writer.set("gemma3.attention.sliding_window", .uint32(window))
            if isEmbedder {
                writer.metadata = writer.metadata.map { key, value in
                    guard key != "general.architecture" else {
                        return (key, .string("gemma-embedding"))
                    }
                    return (key.replacing("gemma3.", with: "gemma-embedding."), value)
                }
            }
            change(&writer)
        }
        return try Transformer.load(
            file,
            pool: KernelThreadPool(threadCount: 2),
            output: .hiddenStates
        )
    }

    private func states(_ transformer: Transformer, _ tokens: [Int32]) throws -> [[Float]] {
        let storage = try transformer.makeStorage(blockCount: 4)
        let entry = ForwardBatch.Entry(
            tokens: tokens[...],
            firstPosition: 0,
            blockTable: [0, 1, 2, 3],
            logits: .all
        )
        transformer.forward(ForwardBatch(entries: [entry]), cache: storage)
        return tokens.indices.map { Array(transformer.hiddenState(row: $0)) }
    }

    /// Where hidden states change when the token at a position does.
    private func reach(_ transformer: Transformer, of position: Int) throws -> [Int] {
        var tokens = TransformerHarness.tokens(count: 40, seed: 9)
        let before = bits(try states(transformer, tokens))
        tokens[position] = (tokens[position] + 1) % 256
        let after = bits(try states(transformer, tokens))
        return tokens.indices.filter { before[$0] != after[$0] }
    }

    @Test func `a windowed layer sees half a window to each side`() throws {
        let transformer = try load(window: 6)
        #expect(transformer.configuration.isEncoder)
        #expect(try reach(transformer, of: 20) == Array(17...23))
        #expect(try reach(transformer, of: 1) == Array(0...4))
    }

    @Test func `every sixth layer sees the whole text`() throws {
        #expect(try reach(load(layerCount: 5), of: 20) == Array(5...35))
        #expect(try reach(load(layerCount: 6), of: 20) == Array(0..<40))
    }

    @Test func `a text of one token is Gemma 3's`() throws {
        let embedder = try states(load(layerCount: 6), [77])
        let decoder = try states(load(isEmbedder: false, layerCount: 6), [77])
        #expect(bits(embedder) == bits(decoder))
    }

    @Test func `two products stand behind the pooling`() throws {
        let (width, inner) = (320, 5)
        func matrix(_ name: String, _ columns: Int, _ rows: Int) -> GGUFWriter.Tensor {
            let values = (0..<rows * columns).map { Float($0 % 7) - 3 }
            return GGUFWriter.Tensor(
                name: name,
                type: .f32,
                dimensions: [columns, rows],
                bytes: values.withUnsafeBytes { Array($0) }
            )
        }
        let transformer = try load { writer in
            writer.tensors.append(matrix("dense_2.weight", width, inner))
            writer.tensors.append(matrix("dense_3.weight", inner, width))
        }
        let vector = (0..<width).map { Float($0 % 3) }
        let middle = (0..<inner).map { row in
            vector.indices.reduce(Float(0)) {
                $0 + (Float((row * width + $1) % 7) - 3) * vector[$1]
            }
        }
        let expected = (0..<width).map { row in
            middle.indices.reduce(Float(0)) {
                $0 + (Float((row * inner + $1) % 7) - 3) * middle[$1]
            }
        }
        #expect(transformer.applyHead(to: vector) == expected)
        #expect(try load().applyHead(to: vector) == vector)
    }
}

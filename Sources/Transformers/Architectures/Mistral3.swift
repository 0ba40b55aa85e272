import Kernels

/// Ministral 3 and its kin: llama whose queries may grow with their position.
enum Mistral3: Architecture {
    static let name = "mistral3"

    static func plan(_ file: ModelReader) throws(ModelError) -> ModelPlan {
        let blocks = try BlockReader(file, norms: .rootMeanSquare, pairs: .neighbours)
        var plan = try blocks.plan()
        if let scale = try file.parameters.positive("attention.temperature_scale") {
            plan.rotaries[0].temperature = RotaryTable.Temperature(
                scale: scale,
                length: try blocks.originalContextLength()
            )
        }
        for layer in blocks.layers {
            plan.layers.append(
                ModelPlan.Layer(
                    attention: try blocks.attention(layer: layer),
                    feedForward: try blocks.gatedFeedForward(layer: layer)
                )
            )
        }
        return plan
    }
}

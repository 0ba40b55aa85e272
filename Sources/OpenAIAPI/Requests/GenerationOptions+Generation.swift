import Sampling
import WorkerProtocol

extension GenerationOptions {
    /// The generation of one choice; its id is set when it is submitted.
    func generation(
        prompt: Prompt,
        choice: Int,
        topLogprobCount: Int?,
        echo: Bool,
        prediction: String? = nil
    ) -> GenerationRequest {
        var sampling = sampling
        sampling.seed = sampling.seed.map { $0 &+ UInt64(choice) }
        return GenerationRequest(
            id: 0,
            prompt: prompt,
            prediction: prediction,
            sampling: sampling,
            maximumOutputTokens: maximumOutputTokens,
            minimumOutputTokens: minimumOutputTokens,
            stopStrings: stopStrings,
            ignoresEndOfGeneration: ignoresEndOfGeneration,
            topLogprobCount: topLogprobCount,
            echo: echo,
            constraint: constraint
        )
    }
}

import Testing
import WorkerProtocol

@testable import ModelService

@Suite struct GenerationProgressTests {
    @Test func `follows a request from the load to its tokens`() {
        var progress = GenerationProgress()
        let isNews = [0.43, 0.434].map { progress.load(fraction: $0) }
        #expect(isNews == [true, false])
        #expect(progress.state == .loading(fraction: 0.434) && !progress.isAccepted)
        progress.lease()
        #expect(progress.state == .queued(position: nil) && !progress.isAccepted)
        progress.receive(.accepted(.unmeasured))
        #expect(progress.isAccepted)
        progress.receive(.queued(position: 2))
        #expect(progress.state == .queued(position: 2))
        progress.receive(.started(promptTokenCount: 9, cachedTokenCount: 4))
        #expect(progress.state == .prefill)
        progress.receive(.delta(text: "", tokens: []))
        progress.receive(.delta(text: "a", tokens: []))
        #expect(progress.state == .decoding && progress.outputTokenCount == 2)
        #expect(progress.promptTokenCount == 9 && progress.cachedTokenCount == 4)
    }

    @Test func `does not go back when a second choice waits`() {
        var progress = GenerationProgress()
        progress.lease()
        progress.receive(.started(promptTokenCount: 1, cachedTokenCount: 0))
        progress.receive(.queued(position: 1))
        #expect(progress.state == .prefill)
        progress.receive(.delta(text: "a", tokens: []))
        progress.receive(.started(promptTokenCount: 1, cachedTokenCount: 1))
        #expect(progress.state == .decoding && progress.promptTokenCount == 2)
    }

    @Test func `keeps only the latest place of a reader that is behind`() {
        var queue = GenerationQueue(choiceCount: 1, limits: ModelServiceLimits())
        queue.putLoading(fraction: 0.1)
        queue.putLoading(fraction: 0.2)
        for position in (1...5).reversed() {
            _ = queue.put(.queued(position: position), choice: 0, now: .now())
        }
        var elements: [GenerationStream.Element] = []
        while case .element(let element)? = queue.take() { elements.append(element) }
        #expect(
            elements == [.loading(fraction: 0.2), .event(choice: 0, .queued(position: 1))]
        )
    }
}

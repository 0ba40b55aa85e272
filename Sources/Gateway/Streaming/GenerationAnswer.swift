import JSON
import ModelService
import OpenAIAPI
import WorkerProtocol

/// The whole text of one request's generations.
struct GenerationAnswer: WholeAnswer {
    private let format: any AnswerFormat
    private let best: BestChoices?
    private var promptTokenCounts: [Int]
    private var answers: [ChatAnswer]

    /// - Parameters:
    ///   - format: How the endpoint writes it.
    ///   - choiceCount: Generations there are.
    ///   - best: How to choose among them; nil: all are returned.
    init(format: any AnswerFormat, choiceCount: Int, best: BestChoices?) {
        self.format = format
        self.best = best
        promptTokenCounts = Array(repeating: 0, count: choiceCount)
        answers = Array(repeating: ChatAnswer(), count: choiceCount)
    }

    mutating func absorb(_ element: GenerationStream.Element) {
        guard case .event(let choice, let event) = element else { return }
        if case .started(let promptTokenCount, _) = event {
            promptTokenCounts[choice] = promptTokenCount
        }
        answers[choice].receive(event)
    }

    /// The answers that the client gets, in the order of their indices.
    private var chosen: [ChatAnswer] {
        guard let best else { return answers }
        let scores = zip(answers, promptTokenCounts).map { answer, promptTokenCount in
            BestChoices.score(
                answer.tokens,
                echoedCount: format.echoesPrompt ? promptTokenCount : 0
            )
        }
        return best.positions(scores: scores).map { answers[$0] }
    }

    func bytes(usage: UsageTotals) -> [UInt8] {
        let choices = chosen.enumerated().map { format.wholeChoice($0.offset, $0.element) }
        return format.whole(choices: choices, usage: usage).serializedBytes()
    }
}

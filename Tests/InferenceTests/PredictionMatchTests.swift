import Testing

@testable import Inference

@Suite struct PredictionMatchTests {
    private func match(_ prediction: [Int32], _ output: [Int32]) -> [Int] {
        var match = PredictionMatch(prediction)
        for token in output { match.take(token) }
        return [match.acceptedTokenCount, match.rejectedTokenCount]
    }

    @Test func `counts what comes true, and what doesn't`() {
        #expect(match([], [1, 2]) == [0, 0])
        #expect(match([1, 2, 3], []) == [0, 3])
        #expect(match([1, 2, 3], [1, 2, 3]) == [3, 0])
        #expect(match([1, 2, 3], [1, 2, 3, 4, 5]) == [3, 0])
        #expect(match([1, 2, 3], [7, 8, 9]) == [0, 3])
        #expect(match([1, 2, 3, 4], [1, 2]) == [2, 2])
    }

    @Test func `finds the output again behind a part that differs`() {
        // Replaced, inserted, removed.
        #expect(match([1, 2, 3, 4, 5, 6], [1, 2, 9, 4, 5, 6]) == [5, 1])
        #expect(match([1, 2, 3, 4, 5], [1, 2, 9, 9, 3, 4, 5]) == [5, 0])
        #expect(match([1, 2, 3, 4, 5, 6], [1, 4, 5, 6]) == [4, 2])
        // Two equal tokens are too little to go by.
        #expect(match([1, 2, 3, 4, 5], [9, 4, 5]) == [0, 5])
    }

    @Test func `counts no token twice`() {
        #expect(match([1, 2, 3], [1, 2, 3, 1, 2, 3]) == [3, 0])
        #expect(match([1, 1, 1, 1], [1, 1, 1, 1, 1, 1]) == [4, 0])
        #expect(match([1, 2, 3, 9, 1, 2, 3], [1, 2, 3, 1, 2, 3]) == [6, 1])
    }
}

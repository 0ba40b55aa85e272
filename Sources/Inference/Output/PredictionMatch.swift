/// How much of a predicted output came true.
///
/// Pure, and a matter of the output alone: whether the prediction was used for guesses, which depends
/// on what else is computed, changes nothing. The output is followed along the prediction; after a
/// part that differs it is found again by the next three tokens that are the same.
struct PredictionMatch: Sendable {
    /// How many of the prediction's tokens are in the output.
    private(set) var acceptedTokenCount = 0

    private let prediction: [Int32]
    /// The token of the prediction that is expected next; those before it are settled.
    private var next = 0
    /// The output's last tokens that aren't in the prediction, as far as is known; at most three.
    private var strays: [Int32] = []
    /// Where three tokens begin in the prediction, in order.
    private let places: [[Int32]: [Int]]

    private static let matchedTokenCount = 3

    /// - Complexity: O(n) in the prediction's tokens.
    init(_ prediction: [Int32]) {
        self.prediction = prediction
        var places: [[Int32]: [Int]] = [:]
        for start in prediction.indices.dropLast(Self.matchedTokenCount - 1) {
            let tokens = Array(prediction[start..<start + Self.matchedTokenCount])
            places[tokens, default: []].append(start)
        }
        self.places = places
    }

    /// How many are not.
    var rejectedTokenCount: Int { prediction.count - acceptedTokenCount }

    /// Takes the output's next token.
    mutating func take(_ token: Int32) {
        if strays.isEmpty, next < prediction.count, prediction[next] == token {
            acceptedTokenCount += 1
            next += 1
            return
        }
        guard next < prediction.count else { return }
        strays.append(token)
        if strays.count > Self.matchedTokenCount { strays.removeFirst() }
        guard let place = places[strays]?.first(where: { $0 >= next }) else { return }
        acceptedTokenCount += Self.matchedTokenCount
        next = place + Self.matchedTokenCount
        strays = []
    }
}

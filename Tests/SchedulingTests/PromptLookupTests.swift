import Testing

@testable import Scheduling

@Suite struct PromptLookupTests {
    @Test func `guesses what followed the same three tokens the last time`() {
        var lookup = PromptLookup()
        #expect(lookup.guess(after: [1, 2, 3, 4, 5, 1, 2, 3], maximum: 4) == [4, 5, 1, 2])
        #expect(lookup.guess(after: [1, 2, 3, 4, 5, 1, 2, 3, 6, 1, 2, 3], maximum: 2) == [6, 1])
        #expect(lookup.guess(after: [1, 2, 3, 4, 5, 1, 2, 3, 6, 1, 2, 9], maximum: 2) == [])
    }

    @Test func `guesses from a reference until the sequence itself knows better`() {
        var lookup = PromptLookup(reference: [7, 8, 9, 10, 11, 12])
        #expect(lookup.guess(after: [7, 8, 9], maximum: 2) == [])
        #expect(lookup.guess(after: [0, 7, 8, 9], maximum: 2) == [10, 11])
        #expect(lookup.guess(after: [0, 7, 8, 9, 10, 11], maximum: 9) == [12])
        #expect(lookup.guess(after: [0, 7, 8, 9, 10, 11, 12], maximum: 9) == [])
        var other = PromptLookup(reference: [7, 8, 9, 10])
        #expect(other.guess(after: [7, 8, 9, 1, 7, 8, 9], maximum: 1) == [1])
        #expect(other.guess(after: [7, 8, 9, 1, 7, 8, 9], maximum: 0) == [])
    }
}

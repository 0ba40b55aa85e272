/// Names a sequence inside one engine; never used again.
///
/// Ascending in the order of arrival.
package struct SequenceID: Hashable, Comparable, Sendable {
    /// The number of the arrival.
    package let rawValue: UInt64

    /// Names the arrival with this number.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static func < (first: SequenceID, second: SequenceID) -> Bool {
        first.rawValue < second.rawValue
    }
}

import Testing

/// One requirement of RFC 9110 or RFC 9112 for an origin server, as bytes and what must come back.
struct ConformanceRow: Sendable, CustomTestStringConvertible {
    /// What the requirement is about.
    enum Expectation: Sendable {
        /// These final answers, in this order.
        case statuses([Int])
        /// The answers contain this text, in any case.
        case contains(String)
        case lacks(String)
        /// The last answer's body ends so.
        case endsWith(String)
        /// The server closes after its answers.
        case closes
        /// The server leaves the connection open.
        case staysOpen
    }

    let section: String
    let requirement: String
    let bytes: [UInt8]
    /// Whether the bytes are whole requests; else the client hangs up after them.
    let isWhole: Bool
    let expectations: [Expectation]

    init(
        _ section: String,
        _ requirement: String,
        _ text: String,
        isWhole: Bool = true,
        _ expectations: Expectation...
    ) {
        self.init(section, requirement, bytes: Array(text.utf8), isWhole: isWhole, expectations)
    }

    init(
        _ section: String,
        _ requirement: String,
        bytes: [UInt8],
        isWhole: Bool = true,
        _ expectations: [Expectation]
    ) {
        self.section = section
        self.requirement = requirement
        self.bytes = bytes
        self.isWhole = isWhole
        self.expectations = expectations
    }

    var testDescription: String { "\(section): \(requirement)" }
}

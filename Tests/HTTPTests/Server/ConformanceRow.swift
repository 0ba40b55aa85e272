import Testing

/// One requirement of RFC 9110 or RFC 9112 for an origin server, as bytes and what must come back.
struct ConformanceRow: Sendable, CustomTestStringConvertible {
    /// What the requirement is about.
    enum Expectation: Sendable {
        /// These final answers, in this order.
        case statuses([Int])
        /// The answers, 100 and the like among them, contain this text.
        case contains(String)
        /// They do not.
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

    /// A POST with these fields, which say how its body ends.
    static func request(_ fields: String, body: String = "") -> String {
        "POST /p HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n\(body)"
    }

    /// A request to follow another one.
    static let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"

    var testDescription: String { "\(section): \(requirement)" }
}

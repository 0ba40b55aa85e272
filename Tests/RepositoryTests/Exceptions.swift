/// Breaches that stand for now.
///
/// The list only shrinks: an entry that no finding needs is a failure.
struct RuleException: Hashable {
    let rule: Finding.Rule
    let path: String
    let subject: String

    init(_ rule: Finding.Rule, _ path: String, _ subject: String = "") {
        self.rule = rule
        self.path = path
        self.subject = subject
    }

    static let all: Set<RuleException> = []

    /// What `exceptions` do not cover, and which of them cover nothing.
    static func apply(
        _ exceptions: Set<RuleException>,
        to findings: [Finding]
    ) -> (open: [Finding], unneeded: [RuleException]) {
        let keys = Set(findings.map { RuleException($0.rule, $0.path, $0.subject) })
        let open = findings.filter {
            !exceptions.contains(RuleException($0.rule, $0.path, $0.subject))
        }
        let unneeded = exceptions.subtracting(keys).sorted { $0.path < $1.path }
        return (open.sorted(), unneeded)
    }
}

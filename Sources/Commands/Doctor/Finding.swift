import JSON

/// One thing that `torii doctor` has looked at.
struct Finding: Sendable, Hashable {
    /// How it is.
    enum Verdict: String, Sendable {
        /// As it should be.
        case fine
        /// The daemon works, but not as well as it could.
        case warning
        /// The daemon cannot work.
        case problem

        var mark: String {
            switch self {
            case .fine: "✓"
            case .warning: "!"
            case .problem: "✗"
            }
        }
    }

    var subject: String
    var verdict: Verdict
    /// What was found.
    var text: String
    /// The way out, unless all is fine.
    var advice: String?

    static func fine(_ subject: String, _ text: String) -> Finding {
        Finding(subject: subject, verdict: .fine, text: text)
    }

    static func warning(_ subject: String, _ text: String, _ advice: String) -> Finding {
        Finding(subject: subject, verdict: .warning, text: text, advice: advice)
    }

    static func problem(_ subject: String, _ text: String, _ advice: String) -> Finding {
        Finding(subject: subject, verdict: .problem, text: text, advice: advice)
    }

    var json: JSONValue {
        [
            "subject": .string(subject), "verdict": .string(verdict.rawValue),
            "text": .string(text), "advice": advice.map { .string($0) } ?? nil,
        ]
    }

    /// The findings as a list for people, with the way out below each that needs one.
    static func report(_ findings: [Finding]) -> String {
        let width = findings.map(\.subject.count).max() ?? 0
        var text = ""
        for finding in findings {
            let padding = String(repeating: " ", count: width - finding.subject.count)
            text += "\(finding.verdict.mark) \(finding.subject)\(padding)  \(finding.text)\n"
            guard let advice = finding.advice else { continue }
            text += String(repeating: " ", count: width + 4) + advice + "\n"
        }
        let problems = findings.count { $0.verdict == .problem }
        let warnings = findings.count { $0.verdict == .warning }
        switch (problems, warnings) {
        case (0, 0): return text + "\nAll is well.\n"
        case (0, _): return text + "\nIt works; \(warnings) could be better.\n"
        default: return text + "\n\(problems) to be mended, \(warnings) could be better.\n"
        }
    }
}

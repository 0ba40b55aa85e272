import APIKeys
import HTTP
import WorkerProtocol

extension HTTPHeaders {
    /// Says how much of the queue the key may still use, in OpenAI's headers.
    ///
    /// Both `reset` headers tell when the queue will be empty, as OpenAI writes durations: `120ms`,
    /// `12s`, `6m0s`. Nothing is added where nobody has counted.
    mutating func add(_ admission: AdmissionState?) {
        guard let admission, admission.requestLimit > 0 else { return }
        let reset = Self.text(of: admission.drainDuration)
        replace("x-ratelimit-limit-requests", String(admission.requestLimit))
        replace("x-ratelimit-remaining-requests", String(admission.remainingRequestCount))
        replace("x-ratelimit-reset-requests", reset)
        replace("x-ratelimit-limit-tokens", String(admission.tokenLimit))
        replace("x-ratelimit-remaining-tokens", String(admission.remainingTokenCount))
        replace("x-ratelimit-reset-tokens", reset)
    }

    /// Says what is left of a key's own limits, in place of the queue's state.
    mutating func add(requests: KeyMeter.Allowance?, tokens: KeyMeter.Allowance?) {
        for (name, allowance) in [("requests", requests), ("tokens", tokens)] {
            guard let allowance else { continue }
            replace("x-ratelimit-limit-\(name)", String(allowance.limit))
            replace("x-ratelimit-remaining-\(name)", String(allowance.remaining))
            replace("x-ratelimit-reset-\(name)", Self.text(of: allowance.reset))
        }
    }

    private static func text(of duration: Duration) -> String {
        let milliseconds = Int(Swift.max(duration / .milliseconds(1), 0).rounded(.up))
        guard milliseconds >= 1000 else { return "\(milliseconds)ms" }
        let seconds = (milliseconds + 999) / 1000
        return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
    }

    /// Their names, for browsers.
    static let admissionNames = ["limit", "remaining", "reset"].flatMap { word in
        ["x-ratelimit-\(word)-requests", "x-ratelimit-\(word)-tokens"]
    }
}

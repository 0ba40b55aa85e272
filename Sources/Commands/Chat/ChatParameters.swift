import JSON

/// The parameters of `/set`, kept as they go into a request.
struct ChatParameters: Equatable {
    private static let wholeNumbers: Set = ["max_tokens", "top_k", "seed"]

    /// The names that `/set` understands; OpenAI's and llama-server's.
    static let names = [
        "temperature", "top_p", "top_k", "min_p", "seed", "max_tokens", "stop",
        "presence_penalty", "frequency_penalty", "repetition_penalty",
    ]

    /// What has been set, in the order of setting.
    private(set) var members: JSONObject = [:]

    /// Sets or, with an empty value, takes back a parameter; returns what is wrong with the value.
    mutating func set(_ name: String, to text: String) -> String? {
        if text.isEmpty {
            members[name] = nil
        } else if name == "stop" {
            members[name] = .string(text)
        } else if Self.wholeNumbers.contains(name) {
            guard let number = Int(text) else { return "\(name) must be a whole number" }
            members[name] = .integer(number)
        } else {
            guard let number = Double(text), number.isFinite else {
                return "\(name) must be a number"
            }
            members[name] = .double(number)
        }
        return nil
    }
}

/// What the requests for a model are taken to say where they say nothing; nil leaves the API's default.
package struct RequestDefaults: Sendable, Hashable {
    /// 0...2.
    package var temperature: Double?
    /// 0...1.
    package var topP: Double?
    /// How many of the likeliest tokens count; 0 or -1: all.
    package var topK: Int?
    /// 0...1.
    package var minP: Double?
    /// 0.01...100; 1 penalises nothing.
    package var repeatPenalty: Double?
    /// The most output tokens, 1 or more.
    package var maximumOutputTokens: Int?
    /// The system message of a chat that has none.
    package var system: String?

    /// Defaults that say nothing.
    package init() {}

    /// These values, with those of `defaults` where they say nothing.
    package func completed(by defaults: RequestDefaults) -> RequestDefaults {
        var result = self
        result.temperature = temperature ?? defaults.temperature
        result.topP = topP ?? defaults.topP
        result.topK = topK ?? defaults.topK
        result.minP = minP ?? defaults.minP
        result.repeatPenalty = repeatPenalty ?? defaults.repeatPenalty
        result.maximumOutputTokens = maximumOutputTokens ?? defaults.maximumOutputTokens
        result.system = system ?? defaults.system
        return result
    }
}

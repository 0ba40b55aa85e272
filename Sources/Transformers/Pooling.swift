/// Which hidden states of a text's tokens make its vector (`pooling_type` in GGUF).
///
/// The raw values are llama.cpp's.
package enum Pooling: Int, Sendable, Hashable, CaseIterable {
    /// The mean of all.
    case mean = 1
    /// The first token's, which encoders are trained to collect the text in.
    case cls = 2
    /// The last token's.
    case last = 3
    /// What a classification head makes of one: the first of an encoder, the last of a decoder.
    case rank = 4

    /// Whether a decoder's vector comes from the last token alone, so that what goes before it need
    /// not be computed if its keys and values are there.
    package var readsEndOnly: Bool { self == .last || self == .rank }

    /// The word for it in facts.
    package var name: String {
        switch self {
        case .mean: "mean"
        case .cls: "cls"
        case .last: "last"
        case .rank: "rank"
        }
    }
}

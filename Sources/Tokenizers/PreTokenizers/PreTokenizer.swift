/// How text is split into pieces before byte pairs are merged within each piece.
///
/// One rule after the other splits the pieces that the rule before it left, as the models' authors
/// chain regular expressions. Files name the whole in `tokenizer.ggml.pre`.
struct PreTokenizer: Sendable, Hashable {
    let rules: [SplitRule]

    init(_ rules: [SplitRule]) {
        self.rules = rules
    }
}

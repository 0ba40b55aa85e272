/// Keys of ours, for what folders say and GGUF has no key for.
package enum FolderKeys {
    /// Where a vocabulary of words wants a space in front of text: `start` stands for the begin of
    /// a text, and nothing for the usual, which is behind each special token too.
    package static let spacePrefix = "torii.tokenizer.space_prefix"
    /// The value of `spacePrefix` for the begin of a text.
    package static let atStart = "start"
    /// How the matrices were quantised before they came here, for people: `GPTQ 4-bit`.
    package static let quantization = "torii.quantization"
}

import ModelFiles
import Tokenizers

/// The control tokens that a model which reads whole texts was trained to find around them.
///
/// `[CLS] text [SEP]` for BERT, `text <|endoftext|>` for embedders made of decoders. Two texts that
/// are judged together have the inner tokens between them.
struct TextFrame: Sendable, Hashable {
    /// Before the text.
    var prefix: [TokenID]
    /// Between the texts of a pair.
    var middle: [TokenID]
    /// Behind the text.
    var suffix: [TokenID]

    /// Nothing around texts.
    init() {
        prefix = []
        middle = []
        suffix = []
    }

    /// The frame that the vocabulary asks for.
    ///
    /// Between the texts of a pair stands what closes one, and where the file wants both an end and a
    /// separator (XLM-RoBERTa: `</s></s>`), the separator too.
    init(metadata: GGUFMetadata, tokenizer: Tokenizer) throws(GGUFError) {
        prefix = tokenizer.addsBeginningToken ? [tokenizer.beginningToken].compactMap { $0 } : []
        suffix = [tokenizer.closingToken].compactMap { $0 }
        middle = suffix
        if try metadata.bool("tokenizer.ggml.add_eos_token") == true,
            try metadata.bool("tokenizer.ggml.add_sep_token") == true
        {
            middle += suffix
        }
    }

    /// One text as the model reads it.
    func framed(_ text: [TokenID]) -> [TokenID] { prefix + text + suffix }

    /// A query and a document as a model reads them that judges both together.
    func framed(_ query: [TokenID], _ document: [TokenID]) -> [TokenID] {
        prefix + query + middle + document + suffix
    }
}

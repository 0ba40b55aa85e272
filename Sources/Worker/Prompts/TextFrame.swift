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

    /// Reads the frame from the keys `tokenizer.ggml.…`.
    ///
    /// BERT's kind of tokenizer always has both ends. Of others the file says which they have.
    init(metadata: GGUFMetadata, tokenizer: Tokenizer) throws(GGUFError) {
        func id(_ name: String) throws(GGUFError) -> TokenID? {
            guard let id = try metadata.integer("tokenizer.ggml.\(name)"),
                (0..<tokenizer.vocabularySize).contains(id)
            else { return nil }
            return TokenID(id)
        }
        func flag(_ name: String) throws(GGUFError) -> Bool? {
            try metadata.bool("tokenizer.ggml.\(name)")
        }
        let beginning = try id("bos_token_id")
        let end = try id("eos_token_id")
        // The key's spelling is llama.cpp's.
        let separator = try id("seperator_token_id") ?? end
        if try metadata.string("tokenizer.ggml.model") == "bert" {
            prefix = [try id("cls_token_id") ?? beginning].compactMap { $0 }
            middle = [separator].compactMap { $0 }
            suffix = middle
            return
        }
        let addsBeginning = try flag("add_bos_token") ?? tokenizer.addsBeginningToken
        let ends = try flag("add_eos_token") == true ? [end].compactMap { $0 } : []
        let separators = try flag("add_sep_token") == true ? [separator].compactMap { $0 } : []
        prefix = addsBeginning ? [beginning].compactMap { $0 } : []
        middle = ends + separators
        suffix = ends.isEmpty ? separators : ends
    }

    /// One text as the model reads it.
    func framed(_ text: [TokenID]) -> [TokenID] { prefix + text + suffix }

    /// A query and a document as a model reads them that judges both together.
    func framed(_ query: [TokenID], _ document: [TokenID]) -> [TokenID] {
        prefix + query + middle + document + suffix
    }
}

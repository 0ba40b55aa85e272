package import ModelFiles

/// Why a model's vocabulary can't be used.
///
/// The description says what to do about it.
package enum TokenizerError: Error, Sendable, Hashable {
    /// A metadata value can't be read.
    case metadata(GGUFError)
    /// A metadata key that every vocabulary of this kind has is missing.
    case missingKey(String)
    /// `tokenizer.ggml.model` names a kind of tokenizer that Torii has not.
    case unsupportedModel(String)
    /// `tokenizer.ggml.pre` is missing: how text is split before merging is unknown.
    case missingPreTokenizer
    /// `tokenizer.ggml.pre` names a way to split text that Torii doesn't know.
    case unsupportedPreTokenizer(String)
    /// The vocabulary is empty or larger than `maximum`.
    case invalidVocabularySize(count: Int, maximum: Int)
    /// There are more merges than `maximum`.
    case tooManyMerges(count: Int, maximum: Int)
    /// An array that must be as long as the vocabulary isn't.
    case wrongCount(key: String, count: Int, expected: Int)
    /// A token's type number is unknown.
    case invalidTokenType(token: TokenID, type: Int)
    /// A key names a token that isn't in the vocabulary.
    case invalidTokenID(key: String, id: Int, vocabularySize: Int)
    /// Merge number `index` isn't two tokens of the vocabulary that join to a third.
    case invalidMerge(index: Int, text: String, reason: String)
    /// A byte of printable ASCII has no token.
    case missingByteToken(UInt8)
    /// A token is said to stand for a byte and isn't named like one.
    case invalidByteToken(token: TokenID, text: String)
    /// A token's score is not a number.
    case invalidScore(token: TokenID)
    /// The map of characters can't be one.
    case invalidCharacterMap(byteCount: Int)
}

extension TokenizerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .metadata(let error):
            "\(error)"
        case .missingKey(let key):
            "the model file has no \"\(key)\"; is it a complete text model?"
        case .unsupportedModel(let name):
            "the model's tokenizer is of the kind \"\(name)\" (tokenizer.ggml.model); "
                + "supported are \"gpt2\", \"llama\", \"bert\", \"t5\" and \"gemma4\". "
                + "Choose a model with one of these"
        case .missingPreTokenizer:
            "the model file doesn't say how its text is split (tokenizer.ggml.pre); it was made by "
                + "an old converter and its answers would be poor. Get a newer conversion"
        case .unsupportedPreTokenizer(let name):
            "the model's way to split text is \"\(name)\" (tokenizer.ggml.pre), which is not "
                + "supported so far; guessing would give poor answers. Supported are "
                + PreTokenizerSettings.names.joined(separator: ", ")
        case .invalidVocabularySize(let count, let maximum):
            "the vocabulary has \(count) tokens; 1 to \(maximum) are possible. The file is damaged"
        case .tooManyMerges(let count, let maximum):
            "tokenizer.ggml.merges has \(count) entries; at most \(maximum) are possible. "
                + "The file is damaged"
        case .wrongCount(let key, let count, let expected):
            "\"\(key)\" has \(count) entries for \(expected) tokens; the file is damaged"
        case .invalidTokenType(let token, let type):
            "token \(token) has the unknown type \(type); the file is damaged"
        case .invalidTokenID(let key, let id, let size):
            "\"\(key)\" is \(id), and the vocabulary has only the tokens 0 to \(size - 1); "
                + "the file is damaged"
        case .invalidMerge(let index, let text, let reason):
            "merge number \(index) of tokenizer.ggml.merges, \"\(text)\", \(reason); "
                + "the file is damaged"
        case .missingByteToken(let byte):
            "the vocabulary has no token for byte \(byte); "
                + "it is not a byte-level vocabulary, or the file is damaged"
        case .invalidByteToken(let token, let text):
            "token \(token) should stand for a byte and is called \"\(text)\" instead of a name "
                + "like <0x0A>; the file is damaged"
        case .invalidScore(let token):
            "the score of token \(token) is not a number; the file is damaged"
        case .invalidCharacterMap(let count):
            "the \(count) bytes of tokenizer.ggml.precompiled_charsmap are no map of characters; "
                + "the file is damaged"
        }
    }
}

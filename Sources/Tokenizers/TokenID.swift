/// A token's number in its vocabulary: from 0, below `Tokenizer.vocabularySize`.
package typealias TokenID = Int32

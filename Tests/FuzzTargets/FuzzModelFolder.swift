import Glibc
import ModelFiles
import TestSupport
import Tokenizers

/// The files of sound folders, open for reading: of one with plain weights, one in 4 bits and one in 4
/// bits with scattered groups.
private let soundFolders: [[(name: String, descriptor: Int32)]] = [
    TinyFolder(), TinyFolder(groups: TinyGroupedMatrix.Style()), TinyFolder(groups: scattered),
].map { folder in
    guard let files = try? folder.files() else { return [] }
    return TinyFolder.fileNames.compactMap { name in
        files[name].flatMap(temporaryFile).map { (name, $0) }
    }
}

private var scattered: TinyGroupedMatrix.Style {
    var style = TinyGroupedMatrix.Style()
    style.isScattered = true
    return style
}

/// A Hugging Face folder one of whose files is the input: open it, read all tensors, and use the
/// vocabulary.
///
/// The first byte says which file, of which folder.
func fuzzModelFolder(_ bytes: [UInt8]) {
    guard let first = bytes.first, let file = temporaryFile(Array(bytes.dropFirst())) else {
        return
    }
    let (number, replaced) = Int(first).quotientAndRemainder(dividingBy: TinyFolder.fileNames.count)
    let soundFiles = soundFolders[number % soundFolders.count]
    precondition(soundFiles.count == TinyFolder.fileNames.count, "the tiny folder is complete")
    let descriptors = soundFiles.enumerated().map { index, sound in
        (sound.name, index == replaced ? file : dup(sound.descriptor))
    }
    guard let model = try? GGUFFile.open(folder: "folder", descriptors: descriptors) else { return }
    for tensor in model.tensors {
        _ = try? model.contents(of: tensor, from: 0, count: tensor.byteCount)
    }
    guard let tokenizer = try? Tokenizer(metadata: model.metadata) else { return }
    let tokens = tokenizer.encode("Hello, <|im_end|> world 123", specialTokens: true)
    precondition(tokens.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
    _ = tokenizer.detokenize(tokens, controlTokens: true)
}

/// A descriptor of a file without a name that holds these bytes.
private func temporaryFile(_ bytes: [UInt8]) -> Int32? {
    guard let stream = tmpfile() else { return nil }
    defer { fclose(stream) }
    let descriptor = dup(fileno(stream))
    guard write(descriptor, bytes, bytes.count) == bytes.count else { return nil }
    return descriptor
}

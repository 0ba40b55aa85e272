/// Where the bytes of an open model's tensors come from.
///
/// Safe from any thread.
protocol TensorStorage: Sendable {
    /// Fills `buffer` with the bytes of `tensor` from `byteOffset` on, all of which it has.
    func read(
        _ tensor: GGUFTensor,
        byteOffset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(GGUFError)

    /// Throws if a file changed since it was opened.
    func checkUnchanged() throws(GGUFError)

    /// What changes with any of the files.
    var identity: String { get }
}

/// The tensors of GGUF files, as they lie there.
struct GGUFStorage: TensorStorage {
    /// By part; none if the model was parsed from memory.
    let files: [OpenFile]

    func read(
        _ tensor: GGUFTensor,
        byteOffset: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(GGUFError) {
        precondition(!files.isEmpty, "a model parsed from memory has no file to read from")
        // Safety: the caller's buffer is passed on as it is.
        let failure = unsafe files[tensor.partIndex].read(
            at: tensor.fileOffset + byteOffset,
            into: buffer
        )
        if let failure { throw failure }
    }

    func checkUnchanged() throws(GGUFError) {
        for file in files { try file.checkUnchanged() }
    }

    var identity: String { files.map(\.identity).joined(separator: " ") }
}

import Tensors

/// An open model as GGUF describes one: metadata, the list of tensors, and access to their bytes.
///
/// It comes from a GGUF file or from a Hugging Face folder, which presents itself as the file that
/// llama.cpp's converter would make of it. Files are read with positioned reads into the caller's
/// buffers; nothing is mapped, so a file that is cut short while in use gives an error and no
/// SIGBUS. Everything the file says is checked when it is opened (see `GGUFTensorParser`). Safe from
/// any thread.
///
/// The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
package final class GGUFFile: Sendable {
    /// The path that was opened: of the first part, if the model is split, or of the folder.
    package let path: String
    /// The first part's metadata, which describes the whole model.
    package let metadata: GGUFMetadata
    /// All tensors of all parts, in the files' order.
    package let tensors: [GGUFTensor]
    /// `general.architecture`.
    package let architecture: String
    private let storage: any TensorStorage
    private let indexByName: [String: Int]

    /// Opens the model at `path`; for a split model, the path of its first part.
    ///
    /// The other parts are looked for beside it, under the names that follow from the first one's; the
    /// files of a folder under the names that such folders have.
    package static func open(
        path: String,
        limits: GGUFLimits = .standard
    ) throws(GGUFError) -> GGUFFile {
        if OpenFile.isDirectory(path) {
            return try openFolder(path: path) { name throws(GGUFError) in
                try OpenFile.ifPresent(path: "\(path)/\(name)")
            }
        }
        return try open(path: path, limits: limits) { _, path throws(GGUFError) in
            try OpenFile(path: path)
        }
    }

    /// Reads a folder whose files somebody else opened, for a process that may open none.
    ///
    /// - Parameters:
    ///   - folder: Its path, for errors.
    ///   - descriptors: The files' names within the folder, and descriptors open for reading; they
    ///     belong to the model from now on.
    /// - Returns: The model.
    /// - Throws: What is wrong with the files, or which one is missing.
    package static func open(
        folder: String,
        descriptors: [(name: String, descriptor: Int32)]
    ) throws(GGUFError) -> GGUFFile {
        var files: [String: OpenFile] = [:]
        for (name, descriptor) in descriptors {
            files[name] = try OpenFile(owning: descriptor, path: "\(folder)/\(name)")
        }
        return try openFolder(path: folder) { name throws(GGUFError) in files[name] }
    }

    private static func openFolder(
        path: String,
        opener: ModelFolder.Opener
    ) throws(GGUFError) -> GGUFFile {
        let folder = try ModelFolder.open(path: path, opener: opener)
        return try GGUFFile(
            metadata: folder.metadata,
            tensors: folder.tensors,
            storage: folder.storage
        )
    }

    /// Reads a model whose files somebody else opened, for a process that may open none.
    ///
    /// - Parameters:
    ///   - path: The path of the only file or of the first part; the others' follow from it, and all
    ///     of them are for errors.
    ///   - descriptors: The files in order, open for reading; they belong to the model from now on.
    ///   - limits: What a file may contain.
    /// - Returns: The model.
    /// - Throws: What is wrong with the files, or that there are fewer than the first one says.
    package static func open(
        path: String,
        descriptors: [Int32],
        limits: GGUFLimits = .standard
    ) throws(GGUFError) -> GGUFFile {
        try open(path: path, limits: limits) { index, path throws(GGUFError) in
            guard index < descriptors.count else {
                throw GGUFError(
                    path: path,
                    problem: .invalidSplit(
                        reason: "the first part's name does not say that there are so many. "
                            + "Give them names like NAME-00001-of-00003.gguf"
                    )
                )
            }
            return try OpenFile(owning: descriptors[index], path: path)
        }
    }

    /// `part` opens the part with an index and a path.
    private static func open(
        path: String,
        limits: GGUFLimits,
        part open: (Int, String) throws(GGUFError) -> OpenFile
    ) throws(GGUFError) -> GGUFFile {
        var parts = [try GGUFPart.parse(open(0, path), index: 0, limits: limits)]
        let metadata = parts[0].metadata
        let siblings = try GGUFSplit.siblings(of: metadata, limits: limits)
        for (index, path) in siblings.enumerated() {
            let file = try open(index + 1, path)
            let part = try GGUFPart.parse(file, index: index + 1, limits: limits)
            try GGUFSplit.check(part.metadata, isPart: index + 1, of: siblings.count + 1)
            parts.append(part)
        }
        let tensors = parts.flatMap(\.tensors)
        try GGUFSplit.checkTensorCount(tensors.count, metadata)
        return try GGUFFile(
            metadata: metadata,
            tensors: tensors,
            storage: GGUFStorage(files: parts.compactMap(\.file))
        )
    }

    /// Parses a model of one part that lies in memory.
    ///
    /// Its tensors can be looked up, not read.
    package static func parse(
        _ bytes: [UInt8],
        path: String = "memory",
        limits: GGUFLimits = .standard
    ) throws(GGUFError) -> GGUFFile {
        let part = try GGUFPart.parse(bytes, path: path, limits: limits)
        return try GGUFFile(
            metadata: part.metadata,
            tensors: part.tensors,
            storage: GGUFStorage(files: [])
        )
    }

    init(
        metadata: GGUFMetadata,
        tensors: [GGUFTensor],
        storage: any TensorStorage
    ) throws(GGUFError) {
        var indexByName = [String: Int](minimumCapacity: tensors.count)
        for (index, tensor) in tensors.enumerated() {
            guard indexByName.updateValue(index, forKey: tensor.name) == nil else {
                throw GGUFError(path: metadata.path, problem: .duplicateTensor(tensor.name))
            }
        }
        guard let architecture = try metadata.string("general.architecture") else {
            throw GGUFError(
                path: metadata.path,
                problem: .missingKey("general.architecture")
            )
        }
        self.architecture = architecture
        self.path = metadata.path
        self.metadata = metadata
        self.tensors = tensors
        self.storage = storage
        self.indexByName = indexByName
    }

    /// The tensor called `name`, if the model has it.
    package func tensor(_ name: String) -> GGUFTensor? {
        indexByName[name].map { tensors[$0] }
    }

    /// Throws if a file was written to, cut or lengthened since it was opened: what was read from it
    /// may then be of two minds.
    package func checkUnchanged() throws(GGUFError) {
        try storage.checkUnchanged()
    }

    /// What changes when somebody writes to a file of the model, or puts another one in its place.
    package var identity: String { storage.identity }

    /// Fills `buffer` with the bytes of `tensor` from `byteOffset` on.
    ///
    /// Blocks until they are read.
    ///
    /// Throws if the range isn't within the tensor, or if the file can't be read or became shorter.
    package func read(
        _ tensor: GGUFTensor,
        byteOffset: Int = 0,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(GGUFError) {
        guard byteOffset >= 0, byteOffset <= tensor.byteCount,
            buffer.count <= tensor.byteCount - byteOffset
        else {
            throw GGUFError(
                path: path,
                problem: .readBeyondTensor(
                    name: tensor.name,
                    offset: byteOffset,
                    count: buffer.count,
                    byteCount: tensor.byteCount
                )
            )
        }
        // Safety: the caller's buffer is passed on as it is; the range was checked.
        try unsafe storage.read(tensor, byteOffset: byteOffset, into: buffer)
    }
}

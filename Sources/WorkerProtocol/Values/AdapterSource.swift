/// An adapter that a worker shall use beside its model.
///
/// Its files are passed to the worker as open descriptors, before the message that names it is
/// complete and in the order of the messages (unix(7), SCM_RIGHTS).
package struct AdapterSource: Sendable, Hashable {
    /// What requests call it; unique for the model.
    package var name: String
    /// Path of the GGUF file or of the folder, for errors.
    package var path: String
    /// The files whose descriptors are passed, by their names within the folder; for a GGUF file one
    /// empty name.
    package var fileNames: [String]
    /// What its own scale is multiplied with.
    package var scale: Double

    /// Names an adapter.
    package init(name: String, path: String, fileNames: [String] = [""], scale: Double = 1) {
        self.name = name
        self.path = path
        self.fileNames = fileNames
        self.scale = scale
    }
}

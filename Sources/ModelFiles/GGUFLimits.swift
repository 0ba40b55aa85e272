/// How large the describing parts of a model file may be.
///
/// Every count is also bounded by the bytes that are left in the file, before anything is allocated
/// for it.
package struct GGUFLimits: Sendable, Hashable {
    /// Bytes of metadata and tensor descriptions together.
    ///
    /// The largest vocabularies take 30 MB.
    package var maximumHeaderByteCount: UInt64 = 256 << 20
    /// Metadata keys.
    package var maximumKeyCount: UInt64 = 1 << 16
    /// Bytes of one key's name.
    package var maximumKeyByteCount: UInt64 = 1 << 12
    /// Tensors of one part.
    ///
    /// The largest mixtures of experts have some 20,000.
    package var maximumTensorCount: UInt64 = 1 << 20
    /// Parts of a split model.
    package var maximumPartCount: Int = 1_000

    /// The defaults.
    package static let standard = GGUFLimits()

    /// Limits, each with its default.
    package init() {}
}

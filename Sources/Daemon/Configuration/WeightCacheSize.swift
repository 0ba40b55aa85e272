/// How many bytes of packed weights are kept on disk.
package struct WeightCacheSize: SizeSetting {
    /// Bytes; 0: none are kept.
    package let byteCount: Int

    /// What there is when nobody says otherwise.
    static let standard = WeightCacheSize(byteCount: 16 << 30)

    package static let form = "a size like 16GiB, or 0 to keep none"

    private init(byteCount: Int) { self.byteCount = byteCount }

    /// Reads `16GiB` or a number of bytes; nil for anything else.
    package init?(_ text: String) {
        guard let count = ByteCountText.parse(text), count <= SettingLimits.memory.upperBound else {
            return nil
        }
        byteCount = count
    }
}

/// How many bytes of packed weights are kept on disk.
package struct WeightCacheSize: Sendable, Hashable, Decodable {
    /// Bytes; 0: none are kept.
    package let byteCount: Int

    /// What there is when nobody says otherwise.
    static let standard = WeightCacheSize(byteCount: 16 << 30)

    /// How it is written.
    static let form = "a size like 16GiB, or 0 to keep none"

    private init(byteCount: Int) { self.byteCount = byteCount }

    /// Reads `16GiB` or a number of bytes; nil for anything else.
    package init?(_ text: String) {
        guard let count = ByteCountText.parse(text), count <= SettingLimits.memory.upperBound else {
            return nil
        }
        byteCount = count
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text: String
        if let number = try? container.decode(Double.self) {
            text = Int(exactly: number).map { "\($0)" } ?? ""
        } else {
            text = (try? container.decode(String.self)) ?? ""
        }
        guard let size = WeightCacheSize(text) else {
            throw SettingError(
                path: decoder.codingPath.map(\.stringValue),
                message: "must be \(Self.form)"
            )
        }
        self = size
    }
}

/// A setting that is a size: a number of bytes in the file, or a text like `16GiB` there and in flags.
package protocol SizeSetting: Sendable, Hashable, Decodable {
    /// How it is written, behind "must be".
    static var form: String { get }

    /// Reads a text; nil for what is not of that form.
    init?(_ text: String)
}

extension SizeSetting {
    /// Reads a value of the configuration file.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text: String
        if let number = try? container.decode(Double.self) {
            text = Int(exactly: number).map { "\($0)" } ?? ""
        } else {
            text = (try? container.decode(String.self)) ?? ""
        }
        guard let size = Self(text) else {
            throw SettingError(
                path: decoder.codingPath.map(\.stringValue),
                message: "must be \(Self.form)"
            )
        }
        self = size
    }
}

/// Numbers of bytes as people write them.
enum ByteCountText {
    private static let shifts = [
        "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40, "K": 10, "M": 20, "G": 30, "T": 40,
    ]

    /// The bytes in `2GiB`, `512 M` or `1048576`; nil for anything else.
    static func parse(_ text: String) -> Int? {
        let unit = shifts.keys.filter { text.hasSuffix($0) }.max { $0.count < $1.count } ?? ""
        let shift = shifts[unit] ?? 0
        var digits = text.dropLast(unit.count)
        while !unit.isEmpty, digits.last == " " { digits.removeLast() }
        guard let number = Int(digits), number >= 0, number <= Int.max >> shift else { return nil }
        return number << shift
    }
}

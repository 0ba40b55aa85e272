/// How much of the machine's memory all models together may take.
package enum MemoryBudget: SizeSetting {
    /// So many bytes.
    case bytes(Int)
    /// A part of the memory that the machine, or the process's control groups, allow, in percent.
    case percent(Int)

    package static let form = "a size like 12GiB, or a part of the machine's memory like 80%"

    /// Reads `12GiB`, `80%` or a number of bytes; nil for anything else.
    package init?(_ text: String) {
        if text.hasSuffix("%") {
            guard let percent = Int(text.dropLast()), (1...100).contains(percent) else {
                return nil
            }
            self = .percent(percent)
        } else {
            guard let count = ByteCountText.parse(text), SettingLimits.memory.contains(count) else {
                return nil
            }
            self = .bytes(count)
        }
    }

    /// The budget in bytes, for a machine with `total` bytes.
    package func byteCount(ofTotal total: Int) -> Int {
        switch self {
        case .bytes(let count): count
        case .percent(let percent): total / 100 * percent
        }
    }
}
